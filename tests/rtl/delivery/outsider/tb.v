`timescale 1ns / 1ps
// Bench of tiny-8x8 written from docs/interface.md, docs/macro.md, docs/formats.md and docs/registers.md.
module tb;
  reg clk = 1'b0, rst = 1'b1;
  reg [11:0] s_axil_awaddr = 0, s_axil_araddr = 0;
  reg s_axil_awvalid = 0, s_axil_wvalid = 0, s_axil_bready = 1, s_axil_arvalid = 0, s_axil_rready = 1;
  reg [31:0] s_axil_wdata = 0;
  reg [3:0] s_axil_wstrb = 4'hF;
  wire s_axil_awready, s_axil_wready, s_axil_bvalid, s_axil_arready, s_axil_rvalid;
  wire [1:0] s_axil_bresp, s_axil_rresp;
  wire [31:0] s_axil_rdata;
  reg [63:0] s_axis_tdata = 0;
  reg s_axis_tvalid = 0, s_axis_tlast = 0, m_axis_tready = 1;
  wire s_axis_tready, m_axis_tvalid, m_axis_tlast, m_axis_tuser, irq;
  wire [63:0] m_axis_tdata;
  wire [7:0] m_axis_tkeep;

  tiny_8x8_core dut (
      .clk(clk), .rst(rst),
      .s_axil_awaddr(s_axil_awaddr), .s_axil_awvalid(s_axil_awvalid), .s_axil_awready(s_axil_awready),
      .s_axil_wdata(s_axil_wdata), .s_axil_wstrb(s_axil_wstrb), .s_axil_wvalid(s_axil_wvalid),
      .s_axil_wready(s_axil_wready), .s_axil_bresp(s_axil_bresp), .s_axil_bvalid(s_axil_bvalid),
      .s_axil_bready(s_axil_bready), .s_axil_araddr(s_axil_araddr), .s_axil_arvalid(s_axil_arvalid),
      .s_axil_arready(s_axil_arready), .s_axil_rdata(s_axil_rdata), .s_axil_rresp(s_axil_rresp),
      .s_axil_rvalid(s_axil_rvalid), .s_axil_rready(s_axil_rready),
      .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tlast(s_axis_tlast),
      .s_axis_tready(s_axis_tready),
      .m_axis_tdata(m_axis_tdata), .m_axis_tkeep(m_axis_tkeep), .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tlast(m_axis_tlast), .m_axis_tuser(m_axis_tuser), .m_axis_tready(m_axis_tready), .irq(irq)
  );
  always #5 clk = ~clk;

  integer faults = 0;
  task expect_equal;
    input [8*16:1] what;
    input [63:0] found, wanted;
    if (found !== wanted) begin
      $display("%0s: %h instead of %h", what, found, wanted);
      faults = faults + 1;
    end
  endtask

  // Signals change on falling edges.
  task write;
    input [11:0] address;
    input [31:0] data;
    begin
      @(negedge clk) {s_axil_awaddr, s_axil_wdata, s_axil_awvalid, s_axil_wvalid} = {address, data, 2'b11};
      @(posedge clk);
      while (!(s_axil_awready && s_axil_wready)) @(posedge clk);
      @(negedge clk) {s_axil_awvalid, s_axil_wvalid} = 2'b00;
      @(posedge clk);
      while (!s_axil_bvalid) @(posedge clk);
      expect_equal("bresp", s_axil_bresp, 0);
    end
  endtask
  task read;
    input [11:0] address;
    input [31:0] wanted;
    begin
      @(negedge clk) {s_axil_araddr, s_axil_arvalid} = {address, 1'b1};
      @(posedge clk);
      while (!s_axil_arready) @(posedge clk);
      @(negedge clk) s_axil_arvalid = 1'b0;
      @(posedge clk);
      while (!s_axil_rvalid) @(posedge clk);
      expect_equal("rresp", s_axil_rresp, 0);
      expect_equal("register", {20'd0, address, s_axil_rdata}, {20'd0, address, wanted});
    end
  endtask

  // A program of random codes: bank after bank, address after address, two beats a word.
  reg [127:0] words[0:255];
  reg [31:0] crc;
  integer seed = 1, number, bit_number;
  task make_program;
    begin
      crc = 32'hFFFFFFFF;
      for (number = 0; number < 256; number = number + 1) begin
        words[number] = {20'd0, $random(seed), $random(seed), $random(seed), $random(seed)} & ~(128'hFFFFF << 108);
        for (bit_number = 0; bit_number < 128; bit_number = bit_number + 1)
          crc = (crc >> 1) ^ (crc[0] ^ words[number][bit_number] ? 32'hEDB88320 : 32'd0);
      end
      crc = ~crc;
    end
  endtask
  task send_program;
    for (number = 0; number < 512; number = number + 1) begin
      @(negedge clk);
      s_axis_tdata = number % 2 ? words[number/2][127:64] : words[number/2][63:0];
      {s_axis_tvalid, s_axis_tlast} = {1'b1, number == 511};
      @(posedge clk);
      while (!s_axis_tready) @(posedge clk);
      if (number == 511) @(negedge clk) {s_axis_tvalid, s_axis_tlast} = 2'b00;
    end
  endtask

  // When the macro's strobes are high, counted from the edge that takes the write of CONTROL.start.
  integer cycle = -1, beats = 0, row, column, wanted_code;
  reg [63:0] wanted_beat;
  function is_in;
    input integer first, last;
    is_in = cycle >= first && cycle <= last;
  endfunction
  function integer moved; // by 16 cycles with chunk 0 and 20 with chunk 1
    input integer cell_row, cell_column;
    integer chunk;
    reg [3:0] code;
    begin
      moved = 0;
      for (chunk = 0; chunk < 2; chunk = chunk + 1) begin
        code = words[32*cell_column+8*chunk+cell_row] >> 104;
        moved = moved + (chunk ? 20 : 16) * (code[3] ? -code[2:0] : code[2:0]);
      end
    end
  endfunction
  always @(posedge clk) begin
    if (s_axil_awvalid && s_axil_awready && s_axil_awaddr == 12'h020 && s_axil_wdata == 1) cycle = 0;
    else if (cycle >= 0) cycle = cycle + 1;
    if (cycle >= 0) begin
      expect_equal("load_strobe", dut.array_macro.load_strobe,
                   is_in(27, 34) | is_in(41, 48) | is_in(121, 128) | is_in(141, 148) | is_in(221, 228));
      expect_equal("commit", dut.array_macro.commit, is_in(35, 35) | is_in(115, 115) | is_in(135, 135) | is_in(215, 215));
      expect_equal("init", dut.array_macro.init, is_in(36, 99) | is_in(136, 199));
      expect_equal("run", dut.array_macro.run, is_in(100, 135) | is_in(200, 235));
      expect_equal("sample", dut.array_macro.sample, is_in(135, 135) | is_in(235, 235));
    end
    if (m_axis_tvalid) begin
      row = beats % 4;
      wanted_beat = 0;
      for (column = 3; column >= 0; column = column - 1) begin
        wanted_code = 64 * (5 * 2 * row + 3 * 2 * column + 7 * (beats / 4) + 3) + 32 + moved(2 * row, 2 * column);
        wanted_beat = {wanted_beat[55:0], 2'b00, wanted_code[11:6]};
      end
      expect_equal("tdata", m_axis_tdata, wanted_beat);
      expect_equal("tkeep", m_axis_tkeep, 8'h0F);
      expect_equal("tlast, tuser", {m_axis_tlast, m_axis_tuser}, {row == 3, 1'b0});
      expect_equal("cycle of beat", cycle, 143 + 4 * row + 100 * (beats / 4));
      beats = beats + 1;
    end
  end

  initial begin
    make_program;
    repeat (3) @(negedge clk);
    rst = 1'b0;
    read(12'h000, 32'h4F534343);
    read(12'h004, 3);
    read(12'h014, 32'h2EF81121);
    read(12'h018, 512);
    write(12'h028, 32'hFFFFFFFF);
    write(12'h038, crc);
    write(12'h020, 4);
    send_program;
    repeat (2) @(posedge clk);
    read(12'h028, 0);
    read(12'h03C, crc);
    read(12'h024, 32'h81);
    write(12'h400, 32'h20000000);
    write(12'h404, 32'h30000000);
    write(12'h408, 32'h20000001);
    write(12'h40C, 32'h40000040);
    write(12'h410, 32'h50000010);
    write(12'h414, 32'h30000000);
    write(12'h418, 32'h20000000);
    write(12'h41C, 32'h50000014);
    write(12'h420, 32'h60000000);
    write(12'h424, 32'h70000101);
    write(12'h428, 32'h10000000);
    write(12'h040, 11);
    write(12'h044, 3);
    write(12'h048, 0);
    write(12'h034, 6);
    write(12'h020, 1);
    while (irq !== 1'b1) @(posedge clk);
    repeat (30) @(posedge clk);
    read(12'h028, 0);
    read(12'h024, 32'h81);
    read(12'h04C, 2);
    read(12'h050, 100);
    read(12'h054, 0);
    expect_equal("beats", beats, 8);
    $display("%0s", faults == 0 ? "PASS" : "FAIL");
    $finish;
  end
endmodule
