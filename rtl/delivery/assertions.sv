// @@{generated}
//
// Assertions on core @@{name}: the contract of the array macro (A001 ...), the rules of its streams (X001 ...) and of its
// register bus (H001 ...). Compile this file with the core; the last line binds it. What the host has to keep stands as
// `assume`: a simulator checks it like the others, a formal tool takes it for granted.
//
// +define+OSCC_PLAIN_CHECKS   Verilog-2005 in place of assertions, and no bind, for simulators that have neither, such as
//                             Icarus Verilog: instantiate @@{module} yourself.

`ifdef OSCC_PLAIN_CHECKS
`define OSCC_ASSERT(LABEL, HOLDS) always @(posedge clk) if ((HOLDS) !== 1'b1)
`define OSCC_ASSUME(LABEL, HOLDS) always @(posedge clk) if ((HOLDS) !== 1'b1)
`else
`define OSCC_ASSERT(LABEL, HOLDS) LABEL: assert property (@(posedge clk) HOLDS) else
`define OSCC_ASSUME(LABEL, HOLDS) LABEL: assume property (@(posedge clk) HOLDS) else
`endif

module @@{module} (
@@{ports}
);
  localparam integer ROWS = @@{rows};
  localparam integer READY_LATENCY = @@{ready_latency};
  localparam integer FRAME_ROWS = @@{frame_rows};
  localparam integer FRAME_COLS = @@{frame_cols};
  localparam integer LANES = @@{lanes}; // codes in a beat
  localparam integer ROW_BEATS = @@{row_beats};
  localparam integer PHASE_STEPS = @@{phase_steps};
  localparam [LANES-1:0] ALL_KEPT = {LANES{1'b1}};
  localparam [LANES-1:0] TAIL_KEPT = ALL_KEPT >> (ROW_BEATS * LANES - FRAME_COLS);
  localparam [LANES-1:0] ONE_KEPT = 1;

  integer cycle = 0;
  always @(posedge clk) cycle <= cycle + 1;

  // The contract of the array macro. It counts once all strobes have been low.
  reg armed = 1'b0;
  reg was_commit = 1'b0, was_sample = 1'b0, was_init = 1'b0, was_run = 1'b0;
  reg committed = 1'b0, drawn = 1'b0;
  reg [63:0] was_noise = 64'd0;
  integer next_row = 0; // that continues the load
  integer unready = 0; // edges since ready was last high, before this one
  wire [31:0] unready_now = ready === 1'b1 ? 0 : unready + 1;
  wire [31:0] row = load_row;
  wire [63:0] noise = {noise_seed, noise_index};
  wire [4:0] strobes = {load_strobe, commit, init, run, sample};

  always @(posedge clk) begin
    armed <= armed || strobes === 5'd0;
    was_commit <= commit;
    was_sample <= sample;
    was_init <= init;
    was_run <= run;
    was_noise <= noise;
    unready <= unready_now;
    if (armed) begin
      if (commit) next_row <= 0;
      if (load_strobe) next_row <= row + 1;
      committed <= committed || commit;
      drawn <= drawn || init;
    end
  end

  wire a001 = !(init && run);
  wire a002 = !(load_strobe && row >= ROWS);
  wire a003 = !(load_strobe && row != 0 && row != next_row);
  wire a004 = !(load_strobe && commit);
  wire a005 = !(commit && next_row != ROWS);
  wire a006 = !(commit && was_commit) && !(sample && was_sample);
  wire a007 = !(run && !was_run && !(committed && drawn));
  wire a008 = !(sample && tap_row != 0);
  wire a009 = !(init && was_init && noise != was_noise);
  wire a010 = !(init && !was_init && unready_now >= READY_LATENCY);
  wire a011 = !((init || run) && unready_now > READY_LATENCY);
  wire a012 = ^strobes !== 1'bx;
  wire a013 = !(load_strobe && ^{load_row, load_data} === 1'bx) && !(init && ^noise === 1'bx) &&
      !(sample && ^tap_row === 1'bx);

@@{macro_rules}

  // The streams.
  reg reset_seen = 1'b0, was_rst = 1'b0;
  wire working = reset_seen && rst === 1'b0;
  always @(posedge clk) begin
    reset_seen <= reset_seen || rst === 1'b1;
    was_rst <= rst === 1'b1;
  end

  wire image_valid = m_axis_tvalid === 1'b1;
  wire [@@{stream_width}+LANES+1:0] image = {m_axis_tuser, m_axis_tlast, m_axis_tkeep, m_axis_tdata};
  wire [@@{stream_width}:0] beat = {s_axis_tlast, s_axis_tdata};
  reg image_waits = 1'b0, beat_waits = 1'b0;
  reg [@@{stream_width}+LANES+1:0] held_image = 0;
  reg [@@{stream_width}:0] held_beat = 0;
  integer image_row = 0, image_beat = 0; // where the present beat belongs in its frame
  wire row_ends = image_beat == ROW_BEATS - 1;
  wire frame_ends = row_ends && image_row == FRAME_ROWS - 1;

  always @(posedge clk) begin
    image_waits <= working && image_valid && m_axis_tready !== 1'b1;
    beat_waits <= working && s_axis_tvalid === 1'b1 && s_axis_tready !== 1'b1;
    held_image <= image;
    held_beat <= beat;
    if (rst || (image_valid && m_axis_tready && m_axis_tlast)) begin
      image_row <= 0;
      image_beat <= 0;
    end else if (image_valid && m_axis_tready) begin
      image_beat <= row_ends ? 0 : image_beat + 1;
      image_row <= row_ends ? image_row + 1 : image_row;
    end
  end

  // Whether every byte that is kept is a code, and every other one 0.
  reg codes_fit;
  integer lane;
  always @* begin
    codes_fit = 1'b1;
    for (lane = 0; lane < LANES; lane = lane + 1)
      if (m_axis_tkeep[lane] ? m_axis_tdata[lane*8+:8] >= PHASE_STEPS : m_axis_tdata[lane*8+:8] != 8'd0)
        codes_fit = 1'b0;
  end

  wire x001 = !was_rst || m_axis_tvalid === 1'b0;
  wire x002 = !image_waits || image_valid;
  wire x003 = !image_waits || !image_valid || image === held_image;
  wire x004 = ^{m_axis_tvalid, s_axis_tready} !== 1'bx && (!image_valid || ^image !== 1'bx);
  wire x005 = !image_valid || m_axis_tkeep === (row_ends ? TAIL_KEPT : ALL_KEPT) ||
      (m_axis_tuser === 1'b1 && m_axis_tkeep === ONE_KEPT);
  wire x006 = !image_valid || m_axis_tlast === frame_ends || (m_axis_tlast === 1'b1 && m_axis_tuser === 1'b1);
  wire x007 = !image_valid || m_axis_tuser !== 1'b1 || m_axis_tlast === 1'b1;
  wire x008 = !image_valid || codes_fit;
  wire x009 = !beat_waits || s_axis_tvalid === 1'b1;
  wire x010 = !beat_waits || s_axis_tvalid !== 1'b1 || beat === held_beat;

@@{stream_rules}

  // The register bus.
  wire [34:0] read_answer = {s_axil_rvalid, s_axil_rdata, s_axil_rresp};
  wire [2:0] write_answer = {s_axil_bvalid, s_axil_bresp};
  wire [@@{address_bits}:0] write_address = {s_axil_awvalid, s_axil_awaddr};
  wire [36:0] write_data = {s_axil_wvalid, s_axil_wdata, s_axil_wstrb};
  wire [@@{address_bits}:0] read_address = {s_axil_arvalid, s_axil_araddr};
  reg b_waits = 1'b0, r_waits = 1'b0, aw_waits = 1'b0, w_waits = 1'b0, ar_waits = 1'b0;
  reg [34:0] held_read_answer = 35'd0;
  reg [2:0] held_write_answer = 3'd0;
  reg [@@{address_bits}:0] held_write_address = 0, held_read_address = 0;
  reg [36:0] held_write_data = 37'd0;
  integer addresses = 0, words = 0, reads = 0; // taken and not answered

  always @(posedge clk) begin
    b_waits <= working && s_axil_bvalid === 1'b1 && s_axil_bready !== 1'b1;
    r_waits <= working && s_axil_rvalid === 1'b1 && s_axil_rready !== 1'b1;
    aw_waits <= working && s_axil_awvalid === 1'b1 && s_axil_awready !== 1'b1;
    w_waits <= working && s_axil_wvalid === 1'b1 && s_axil_wready !== 1'b1;
    ar_waits <= working && s_axil_arvalid === 1'b1 && s_axil_arready !== 1'b1;
    held_read_answer <= read_answer;
    held_write_answer <= write_answer;
    held_write_address <= write_address;
    held_write_data <= write_data;
    held_read_address <= read_address;
    if (rst) begin
      addresses <= 0;
      words <= 0;
      reads <= 0;
    end else begin
      addresses <= addresses + (s_axil_awvalid && s_axil_awready) - (s_axil_bvalid && s_axil_bready);
      words <= words + (s_axil_wvalid && s_axil_wready) - (s_axil_bvalid && s_axil_bready);
      reads <= reads + (s_axil_arvalid && s_axil_arready) - (s_axil_rvalid && s_axil_rready);
    end
  end

  wire h001 = !was_rst || {s_axil_bvalid, s_axil_rvalid} === 2'd0;
  wire h002 = !b_waits || write_answer === held_write_answer;
  wire h003 = !r_waits || read_answer === held_read_answer;
  wire h004 = s_axil_bvalid !== 1'b1 || (addresses > 0 && words > 0);
  wire h005 = s_axil_rvalid !== 1'b1 || reads > 0;
  wire h006 = !(s_axil_bvalid === 1'b1 && s_axil_bresp === 2'd1) && !(s_axil_rvalid === 1'b1 && s_axil_rresp === 2'd1);
  wire h007 = ^{s_axil_awready, s_axil_wready, s_axil_arready, s_axil_bvalid, s_axil_rvalid, irq} !== 1'bx &&
      !(s_axil_bvalid === 1'b1 && ^write_answer === 1'bx) && !(s_axil_rvalid === 1'b1 && ^read_answer === 1'bx);
  wire h008 = !aw_waits || write_address === held_write_address;
  wire h009 = !w_waits || write_data === held_write_data;
  wire h010 = !ar_waits || read_address === held_read_address;

@@{register_rules}
endmodule

`undef OSCC_ASSERT
`undef OSCC_ASSUME

`ifndef OSCC_PLAIN_CHECKS
bind @@{core} @@{module} oscc_assertions (
@@{connections}
);
`endif
