`timescale 1ns / 1ps
// Reads what nobody has written, on a core whose flip-flops and memories begin unknown. The accesses are in accesses.v.
module tb;
  reg clk = 1'b0, rst = 1'b1;
  reg [11:0] awaddr = 0, araddr = 0;
  reg awvalid = 0, arvalid = 0;
  reg [31:0] wdata = 0;
  reg [3:0] wstrb = 0;
  wire awready, wready, bvalid, arready, rvalid;
  wire [31:0] rdata;
  reg beat_valid = 0, beat_last = 0;
  wire beat_ready;

  tiny_8x8_core dut (
      .clk(clk), .rst(rst),
      .s_axil_awaddr(awaddr), .s_axil_awvalid(awvalid), .s_axil_awready(awready),
      .s_axil_wdata(wdata), .s_axil_wstrb(wstrb), .s_axil_wvalid(awvalid), .s_axil_wready(wready),
      .s_axil_bresp(), .s_axil_bvalid(bvalid), .s_axil_bready(1'b1),
      .s_axil_araddr(araddr), .s_axil_arvalid(arvalid), .s_axil_arready(arready),
      .s_axil_rdata(rdata), .s_axil_rresp(), .s_axil_rvalid(rvalid), .s_axil_rready(1'b1),
      .s_axis_tdata(64'd0), .s_axis_tvalid(beat_valid), .s_axis_tlast(beat_last), .s_axis_tready(beat_ready),
      .m_axis_tdata(), .m_axis_tkeep(), .m_axis_tvalid(), .m_axis_tlast(), .m_axis_tuser(), .m_axis_tready(1'b1),
      .irq()
  );
  always #5 clk = ~clk;

  task write;
    input [11:0] address;
    input [31:0] data;
    input [3:0] lanes;
    begin
      @(negedge clk) {awaddr, wdata, wstrb, awvalid} = {address, data, lanes, 1'b1};
      @(posedge clk);
      while (!(awready && wready)) @(posedge clk);
      @(negedge clk) awvalid = 1'b0;
      @(posedge clk);
      while (!bvalid) @(posedge clk);
    end
  endtask
  task read;
    input [11:0] address;
    begin
      @(negedge clk) {araddr, arvalid} = {address, 1'b1};
      @(posedge clk);
      while (!arready) @(posedge clk);
      @(negedge clk) arvalid = 1'b0;
      @(posedge clk);
      while (!rvalid) @(posedge clk);
      $display("%h %h", address, rdata);
    end
  endtask
  // A program of zeros.
  task send_zeros;
    input integer beats;
    integer beat;
    begin
      for (beat = 0; beat < beats; beat = beat + 1) begin
        @(negedge clk) {beat_valid, beat_last} = {1'b1, beat == beats - 1};
        @(posedge clk);
        while (!beat_ready) @(posedge clk);
      end
      @(negedge clk) beat_valid = 1'b0;
    end
  endtask

  initial begin
    repeat (3) @(negedge clk);
    rst = 1'b0;
    `include "accesses.v"
    $finish;
  end
  initial #400000 begin
    $display("too long");
    $finish;
  end
endmodule
