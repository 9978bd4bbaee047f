"""A bench in Verilog for wrappers without streams: it does by word accesses what the stand-alone bench does."""

from __future__ import annotations

from oscc.core.spec import CoreSpec
from oscc.rtl.delivery.standalone_data import SETTINGS, setting_index

TIME_LIMIT = 9_000_000
"""Time after which a run is given up [ns]."""

APB = """
  reg psel = 0, penable = 0, pwrite = 0;
  reg [12:0] paddr = 0;
  reg [31:0] pwdata = 0;
  wire [31:0] prdata;
  wire pready, pslverr;
  STEM_apb dut (.pclk(clk), .presetn(!rst), .psel(psel), .penable(penable), .pwrite(pwrite), .paddr(paddr),
    .pwdata(pwdata), .pstrb(pwrite ? 4'hF : 4'h0), .prdata(prdata), .pready(pready), .pslverr(pslverr), .irq(irq));
  task access(input writes, input [12:0] address, input [31:0] word);
    begin
      psel = 1; pwrite = writes; paddr = address; pwdata = word;
      @(negedge clk) penable = 1;
      while (pready !== 1) @(negedge clk);
      answer = prdata; refused = pslverr;
      @(negedge clk) psel = 0; penable = 0;
    end
  endtask
"""

WISHBONE = """
  reg stb = 0, we = 0;
  reg [12:2] adr = 0;
  reg [31:0] dat = 0;
  wire [31:0] dat_o;
  wire ack, err;
  STEM_wishbone dut (.wb_clk_i(clk), .wb_rst_i(rst), .wb_adr_i(adr), .wb_dat_i(dat), .wb_dat_o(dat_o), .wb_sel_i(4'hF),
    .wb_cyc_i(stb), .wb_stb_i(stb), .wb_we_i(we), .wb_ack_o(ack), .wb_err_o(err), .irq(irq));
  task access(input writes, input [12:0] address, input [31:0] word);
    begin
      stb = 1; we = writes; adr = address[12:2]; dat = word;
      @(negedge clk);
      while ((ack | err) !== 1) @(negedge clk);
      answer = dat_o; refused = err;
      @(negedge clk) stb = 0;
    end
  endtask
"""

BENCH = """
module bench;
  `include "oscc_registers.svh"
  reg clk = 0, rst = 1;
  always #5 clk = !clk;
  wire irq;
  reg [31:0] answer;
  reg refused;
BUS
  task put(input [12:0] address, input [31:0] word);
    begin
      access(1, address, word);
      if (refused !== 0) begin $display("refused: write of %h", address); $finish; end
    end
  endtask
  task get(input [12:0] address);
    begin
      access(0, address, 0);
      if (refused !== 0) begin $display("refused: read of %h", address); $finish; end
    end
  endtask
  reg [WIDTH-1:0] program_beat [0:BEATS-1];
  reg [31:0] schedule [0:OSCC_SCHEDULE_COUNT-1];
  reg [31:0] settings [0:SETTINGS-1];
  integer at, word, words, last;
  initial begin
    $readmemh("tb/program.hex", program_beat);
    $readmemh("tb/settings.hex", settings);
    $readmemh("tb/schedule.hex", schedule, 0, settings[SCHEDULE_LENGTH] - 1);
    repeat (4) @(negedge clk);
    rst = 0;
    get(OSCC_ID); $display("id %h", answer);
    access(1, OSCC_ID, 1); $display("read-only %b", refused);
    access(1, 13'h1008, 1); $display("no load %b", refused);
    put(OSCC_PROGRAM_CRC, settings[PROGRAM_CRC]);
    put(OSCC_CONTROL, OSCC_CONTROL_LOAD);
    for (at = 0; at < BEATS; at = at + 1)
      for (word = 0; word < WIDTH; word = word + 32)
        put(at == BEATS - 1 && word == WIDTH - 32 ? 13'h100C : 13'h1008, program_beat[at][word +: 32]);
    repeat (8) @(negedge clk);
    get(OSCC_ERROR); $display("error %h", answer);
    get(OSCC_STATUS); $display("programmed %b", (answer & OSCC_STATUS_PROGRAMMED) != 0);
    for (at = 0; at < settings[SCHEDULE_LENGTH]; at = at + 1) put(OSCC_SCHEDULE + 4 * at, schedule[at]);
    put(OSCC_SCHEDULE_LENGTH, settings[SCHEDULE_LENGTH]);
    put(OSCC_SEED, settings[SEED]);
    put(OSCC_FIRST_SAMPLE, settings[FIRST_SAMPLE]);
    put(OSCC_IRQ_ENABLE, OSCC_IRQ_ENABLE_SAMPLE);
    put(OSCC_CONTROL, OSCC_CONTROL_START);
    last = 0;
    while (last == 0) begin
      get(13'h1000);
      if (answer[1]) begin
        last = answer[2];
        $display("beat keep %h invalid %b irq %b", answer[31:16], answer[3], irq);
        for (words = 0; words < WIDTH / 32; words = words + 1) begin get(13'h1010); $display("word %h", answer); end
      end
    end
    $finish;
  end
  initial #LIMIT begin $display("time-out"); $finish; end
endmodule
"""


def wrapped_bench(core: CoreSpec, bus: str) -> str:
    """The bench of a wrapper, ``apb`` or ``wishbone``."""
    text = BENCH.replace("BUS\n", {"apb": APB, "wishbone": WISHBONE}[bus])
    for name in ("schedule_length", "program_crc", "seed", "first_sample"):
        text = text.replace(f"settings[{name.upper()}]", f"settings[{setting_index(name)}]")
    numbers = {
        "SETTINGS-1": len(SETTINGS) - 1,
        "WIDTH": core.stream_width,
        "BEATS": core.program_beats,
        "LIMIT": TIME_LIMIT,
        "STEM": core.name.replace("-", "_"),
    }
    for name, value in numbers.items():
        text = text.replace(name, str(value))
    return text
