// @@{generated}
//
// Stand-alone test bench of core @@{name}: loads a program into the core over AXI4-Lite and AXI4-Stream, takes samples
// and prints their phase codes, one raster per sample, row by row. README.md in this folder has the commands.
// The text is Verilog-2005 as well as SystemVerilog.
//
// Plusargs:
//   +data=FOLDER   folder of program.hex, schedule.hex, settings.hex, phases.hex and codes.hex (default: tb)
//   +samples=N     samples to take (default: as many as phases.hex holds)
//   +stall=P       percentage of the cycles in which the image stream is not ready (default: 0)
//   +limit=N       cycles to wait for an image (default: from settings.hex)
@@{bus_plusargs}
//   +vcd=FILE      write a waveform
// Those of the array macro are listed in @@{array}.sv.

`timescale 1ns / 1ps

module @@{bench};
`include "@@{header}"

  localparam integer PROGRAM_BEATS = @@{program_beats};
  localparam integer STREAM_WIDTH = @@{stream_width};
  localparam integer LANES = STREAM_WIDTH / 8;
  localparam integer FRAME_ROWS = @@{frame_rows};
  localparam integer FRAME_COLS = @@{frame_cols};
  localparam integer ROW_BEATS = @@{row_beats};
  localparam integer PHASE_STEPS = @@{phase_steps};
  localparam [31:0] CORE_ID = 32'h@@{core_id};
  localparam [31:0] MAP_VERSION = @@{map_version};
  localparam [31:0] SPEC_HASH = 32'h@@{spec_hash};
  localparam real HALF_PERIOD_NS = @@{half_period_ns};
  localparam integer ANSWER_LIMIT = 1000; // cycles to wait for anything but an image

  reg clk, rst;
@@{declarations}

  @@{core} dut (
@@{connections}
  );

  initial clk = 1'b0;
  always #(HALF_PERIOD_NS) clk = ~clk;

  // What was found to be wrong; the first few are printed.
  integer faults;
  initial faults = 0;

  task summarise;
    begin
      $display("%0s", faults == 0 ? "PASS" : "FAIL");
      if (faults != 0) $fatal(1, "%0d checks failed", faults);
      $finish;
    end
  endtask

  task stop_with;
    input [8*80:1] why;
    begin
      $display("FAIL: %0s", why);
      faults = faults + 1;
      summarise;
    end
  endtask

  // Files.
  reg [8*256:1] folder, vcd_file;
  reg [8*8:1] bus_name;
  reg [STREAM_WIDTH-1:0] program_beat [0:PROGRAM_BEATS-1];
  reg [31:0] schedule [0:OSCC_SCHEDULE_COUNT-1];
  reg [31:0] settings [0:@@{settings_last}];
  integer samples, stall, limit, probe, codes_file, got;

  task read_files;
    begin
      if (!$value$plusargs("data=%s", folder)) folder = "tb";
      probe = $fopen({folder, "/settings.hex"}, "r");
      if (probe == 0) begin
        $display("%0s/settings.hex cannot be read: emit into a folder that holds a program (oscc compile -o DIR, then", folder);
        $display("oscc emit -o DIR), and name its rtl/tb with +data=FOLDER");
        stop_with("no program");
      end
      $fclose(probe);
      $readmemh({folder, "/settings.hex"}, settings);
      $readmemh({folder, "/program.hex"}, program_beat);
      $readmemh({folder, "/schedule.hex"}, schedule, 0, settings[@@{schedule_length}] - 1);
      if (settings[@@{settings_hash}] !== SPEC_HASH) stop_with("settings.hex belongs to another core");
      codes_file = $fopen({folder, "/codes.hex"}, "r");
      if (!$value$plusargs("samples=%d", samples)) samples = settings[@@{samples}];
      if (!$value$plusargs("stall=%d", stall)) stall = 0;
      if (!$value$plusargs("limit=%d", limit)) limit = settings[@@{limit}];
      by_spi = 1'b0;
      if ($value$plusargs("bus=%s", bus_name)) begin
        if (bus_name == "spi") begin
          @@{choose_spi}
        end else if (bus_name != "axi") stop_with("+bus takes @@{buses}");
      end
@@{read_sclk}      if ($value$plusargs("vcd=%s", vcd_file)) begin
        $dumpfile(vcd_file);
        $dumpvars(0, @@{bench});
      end
    end
  endtask

@@{axi}
@@{spi}
  // Registers, by the bus of plusarg +bus.
  reg by_spi;
  task write_word;
    input [11:0] address;
    input [31:0] word;
    begin
      @@{write_access}
      if (response !== 2'b00) begin
        $display("write of 0x%03h: response %0d", address, response);
        stop_with("a write was refused");
      end
    end
  endtask

  task read_word;
    input [11:0] address;
    begin
      @@{read_access}
      if (response !== 2'b00) begin
        $display("read of 0x%03h: response %0d", address, response);
        stop_with("a read was refused");
      end
    end
  endtask

  task expect_word;
    input [11:0] address;
    input [31:0] expected;
    begin
      read_word(address);
      if (answer !== expected) begin
        $display("register 0x%03h is 0x%08h, expected 0x%08h", address, answer, expected);
        stop_with("a register does not hold what it should");
      end
    end
  endtask

  task identify;
    begin
      expect_word(OSCC_ID, CORE_ID);
      expect_word(OSCC_VERSION, MAP_VERSION);
      expect_word(OSCC_SPEC_HASH, SPEC_HASH);
      expect_word(OSCC_PROGRAM_BEATS, PROGRAM_BEATS);
    end
  endtask

  // The first cause in register ERROR, in words.
  task name_errors;
    begin
      read_word(OSCC_ERROR);
@@{error_causes}
    end
  endtask

  task load_program;
    integer beat;
    reg beat_taken;
    begin
      write_word(OSCC_ERROR, 32'hFFFF_FFFF);
      write_word(OSCC_PROGRAM_CRC, settings[@@{program_crc}]);
      write_word(OSCC_CONTROL, OSCC_CONTROL_LOAD);
      for (beat = 0; beat < PROGRAM_BEATS; beat = beat + 1) begin
        s_axis_tdata = program_beat[beat];
        s_axis_tlast = beat == PROGRAM_BEATS - 1;
        s_axis_tvalid = 1'b1;
        beat_taken = 1'b0;
        waited = 0;
        while (!beat_taken) begin
          tick("tready of the program stream");
          beat_taken = s_axis_tready === 1'b1;
          @(negedge clk);
        end
      end
      s_axis_tvalid = 1'b0;
      s_axis_tlast = 1'b0;
      waited = 0;
      repeat (8) tick("the end of the program");
      name_errors;
      if (answer != 0) stop_with("the core refused the program");
      expect_word(OSCC_PROGRAM_CRC_SEEN, settings[@@{program_crc}]);
      read_word(OSCC_STATUS);
      if ((answer & OSCC_STATUS_PROGRAMMED) == 0) stop_with("the core does not report the program as loaded");
      for (beat = 0; beat < settings[@@{schedule_length}]; beat = beat + 1)
        write_word(OSCC_SCHEDULE + 4 * beat, schedule[beat]);
      write_word(OSCC_SCHEDULE_LENGTH, settings[@@{schedule_length}]);
    end
  endtask

@@{monitor}

@@{known}
  // The host.
  integer until_image;
  initial begin
@@{idle}
    watched = 1'b0;
    rst = 1'b1;
    read_files;
    repeat (4) @(negedge clk);
    rst = 1'b0;
    watched = 1'b1;
    // An SPI slave takes its first frame when it has seen spi_cs_n high.
    repeat (8) @(negedge clk);
    identify;
@@{identify_both}
    load_program;
    $display("program loaded: %0d beats, CRC-32 %08h", PROGRAM_BEATS, settings[@@{program_crc}]);

    write_word(OSCC_SEED, settings[@@{seed}]);
    write_word(OSCC_FIRST_SAMPLE, settings[@@{first_sample}]);
    write_word(OSCC_IRQ_ENABLE, OSCC_IRQ_ENABLE_ERROR);
    receiving = 1'b1;
    write_word(OSCC_CONTROL, OSCC_CONTROL_START);
    // The last sample is under way once the image before it has been delivered.
    until_image = 0;
    while (images < samples && irq !== 1'b1) begin
      if (images == samples - 1 && !abort_given) begin
        write_word(OSCC_CONTROL, OSCC_CONTROL_ABORT);
        abort_given = 1'b1;
      end
      @(posedge clk);
      until_image = image_now ? 0 : until_image + 1;
      if (until_image > limit) begin
        $display("time-out: waited %0d cycles for beat %0d of the image of sample %0d", limit, beats, settings[@@{first_sample}] + images);
        stop_with("no image");
      end
    end
    if (irq !== 1'b0) begin
      name_errors;
      stop_with("the core raised irq");
    end
    waited = 0;
    read_word(OSCC_STATUS);
    for (until_image = 0; (answer & OSCC_STATUS_RUNNING) != 0; until_image = until_image + 1) begin
      if (until_image > limit) stop_with("the schedule still runs after the abort");
      read_word(OSCC_STATUS);
    end
    read_word(OSCC_SAMPLES);
    $display("samples taken %0d", answer);
    read_word(OSCC_PERIOD);
    $display("cycles between the last two %0d", answer);
    read_word(OSCC_STALLED);
    $display("cycles stalled %0d", answer);
    name_errors;
    if (answer != 0) stop_with("register ERROR is not zero");
    summarise;
  end
endmodule
