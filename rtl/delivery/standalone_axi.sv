  // AXI4-Lite. Signals are driven on falling edges and looked at on rising ones, so that nothing depends on an order.
  reg [31:0] answer;
  reg [1:0] response;
  integer waited;
  task tick;
    input [8*80:1] what;
    begin
      @(posedge clk);
      waited = waited + 1;
      if (waited > ANSWER_LIMIT) begin
        $display("time-out: waited %0d cycles for %0s", ANSWER_LIMIT, what);
        stop_with("the core did not answer");
      end
    end
  endtask

  task axi_write;
    input [11:0] address;
    input [31:0] word;
    reg address_taken, word_taken;
    begin
      @(negedge clk);
      s_axil_awaddr = address;
      s_axil_awvalid = 1'b1;
      s_axil_wdata = word;
      s_axil_wstrb = 4'hF;
      s_axil_wvalid = 1'b1;
      waited = 0;
      while (s_axil_awvalid || s_axil_wvalid) begin
        tick("awready and wready");
        address_taken = s_axil_awready === 1'b1;
        word_taken = s_axil_wready === 1'b1;
        @(negedge clk);
        if (address_taken) s_axil_awvalid = 1'b0;
        if (word_taken) s_axil_wvalid = 1'b0;
      end
      waited = 0;
      while (s_axil_bvalid !== 1'b1) begin
        tick("bvalid");
        @(negedge clk);
      end
      response = s_axil_bresp;
      s_axil_bready = 1'b1;
      @(negedge clk);
      s_axil_bready = 1'b0;
    end
  endtask

  task axi_read;
    input [11:0] address;
    reg address_taken;
    begin
      @(negedge clk);
      s_axil_araddr = address;
      s_axil_arvalid = 1'b1;
      waited = 0;
      while (s_axil_arvalid) begin
        tick("arready");
        address_taken = s_axil_arready === 1'b1;
        @(negedge clk);
        if (address_taken) s_axil_arvalid = 1'b0;
      end
      waited = 0;
      while (s_axil_rvalid !== 1'b1) begin
        tick("rvalid");
        @(negedge clk);
      end
      answer = s_axil_rdata;
      response = s_axil_rresp;
      s_axil_rready = 1'b1;
      @(negedge clk);
      s_axil_rready = 1'b0;
    end
  endtask
