// @@{generated}
//
// Behavioural model of the analog array macro @@{module} of core @@{name}, for simulation only: it takes the place of the
// black box @@{module}_stub.v. Oscillator i obeys
//
//   dtheta_i/dt = w_i + sum_j K_ij sin(theta_j - theta_i) - S_i sin(2 theta_i) - h_i sin(theta_i)
//
// with the rates that the active codes make [rad/s], integrated by the classical Runge-Kutta method in float64 over whole
// clock cycles. It fails the simulation when the control plane breaks a rule of the macro's contract (A001 ...).
// The text is Verilog-2005 as well as SystemVerilog.
//
// Plusargs:
//   +data=FOLDER        folder of settings.hex and phases.hex (default: tb)
//   +array_ready=N      clock cycles until ready rises (default: 32)
//   +array_tap=N        clock cycles until the tap bus is stable, tap_valid low meanwhile (default: 1)
//   +array_lost=N       ready falls in clock cycle N and stays low

`timescale 1ns / 1ps

module @@{module} (
@@{ports}
);
  localparam integer ROWS = @@{rows};
  localparam integer COLS = @@{cols};
  localparam integer CELLS = ROWS * COLS;
  localparam integer UNITS = @@{units}; // coupling units per cell
  localparam integer SLOTS = @@{slots}; // couplings that they can make, per cell
  localparam integer WORD_BITS = @@{word_bits};
  localparam integer COUPLING_BITS = @@{coupling_bits};
  localparam integer SHIL_BITS = @@{shil_bits};
  localparam integer FIELD_BITS = @@{field_bits};
  localparam integer DETUNING_BITS = @@{detuning_bits};
  localparam integer SHIL_LOW = UNITS * COUPLING_BITS;
  localparam integer FIELD_LOW = SHIL_LOW + SHIL_BITS;
  localparam integer DETUNING_LOW = FIELD_LOW + FIELD_BITS;
  // Full scale / top code [rad/s], and the clock period [s].
  localparam real COUPLING_LSB = @@{coupling_lsb};
  localparam real SHIL_LSB = @@{shil_lsb};
  localparam real FIELD_LSB = @@{field_lsb};
  localparam real DETUNING_LSB = @@{detuning_lsb};
  localparam real CLOCK_S = @@{clock_s};
  localparam real PI = 3.141592653589793;
  // Readable cells and their taps.
  localparam integer FRAME_ROWS = @@{frame_rows};
  localparam integer FRAME_COLS = @@{frame_cols};
  localparam integer FIRST_ROW = @@{first_row};
  localparam integer FIRST_COL = @@{first_col};
  localparam integer ROW_STEP = @@{row_step};
  localparam integer COL_STEP = @@{col_step};
  localparam integer TAPS = @@{taps};
  localparam integer SUBPHASES = @@{subphases};
  localparam integer ROW_TAPS = FRAME_COLS * SUBPHASES * TAPS;
  localparam integer READY_LATENCY = @@{ready_latency};

  reg [8*256:1] folder;
  reg [31:0] settings [0:@@{settings_last}];
  integer ready_cycles, tap_cycles, lost_cycle;

  // Latches, phases [rad] and rates [rad per clock cycle].
  reg [COLS*WORD_BITS-1:0] shadow [0:ROWS-1];
  reg [COLS*WORD_BITS-1:0] active [0:ROWS-1];
  real theta [0:CELLS-1];
  real slope [0:CELLS-1];
  real total [0:CELLS-1];
  real sine [0:CELLS-1];
  real cosine [0:CELLS-1];
  real shil [0:CELLS-1];
  real field [0:CELLS-1];
  real detuning [0:CELLS-1];
  // Couplings that are not zero, cell by cell: those into cell i are first[i] to first[i+1] - 1.
  integer first [0:CELLS];
  integer source [0:CELLS*SLOTS-1];
  real strength [0:CELLS*SLOTS-1];
  real reach [0:3];
  real weight [0:3];
  // Offset (source - destination) of each coupling, the unit that makes it, and whether that stands at the source.
  integer slot_row [0:SLOTS-1];
  integer slot_col [0:SLOTS-1];
  integer slot_unit [0:SLOTS-1];
  integer slot_at_source [0:SLOTS-1];

  integer cycle;
  reg [63:0] pending; // clock cycles of run by which the phases are behind

  initial begin
    if (!$value$plusargs("data=%s", folder)) folder = "tb";
    if (!$value$plusargs("array_ready=%d", ready_cycles)) ready_cycles = 32;
    if (!$value$plusargs("array_tap=%d", tap_cycles)) tap_cycles = 1;
    if (!$value$plusargs("array_lost=%d", lost_cycle)) lost_cycle = -1;
    $readmemh({folder, "/settings.hex"}, settings);
@@{slot_table}
    reach[0] = 0.0;
    reach[1] = 0.5;
    reach[2] = 0.5;
    reach[3] = 1.0;
    weight[0] = 1.0 / 6;
    weight[1] = 1.0 / 3;
    weight[2] = 1.0 / 3;
    weight[3] = 1.0 / 6;
  end

  // What one DAC delivers, in steps of its code: sign in the most significant bit, magnitude below.
  function real steps_of;
    input [7:0] code;
    input integer bits;
    integer magnitude;
    begin
      magnitude = code & ((1 << (bits - 1)) - 1);
      steps_of = ((code >> (bits - 1)) & 1) != 0 ? -magnitude : magnitude;
    end
  endfunction

  // The active codes as rates.
  task apply_codes;
    integer row, col, slot, cell_number, from_row, from_col, count;
    reg [7:0] code;
    begin
      count = 0;
      for (row = 0; row < ROWS; row = row + 1)
        for (col = 0; col < COLS; col = col + 1) begin
          cell_number = row * COLS + col;
          first[cell_number] = count;
          for (slot = 0; slot < SLOTS; slot = slot + 1) begin
            from_row = row + slot_row[slot];
            from_col = col + slot_col[slot];
            if (from_row >= 0 && from_row < ROWS && from_col >= 0 && from_col < COLS) begin
              if (slot_at_source[slot] != 0)
                code = active[from_row][from_col*WORD_BITS+slot_unit[slot]*COUPLING_BITS+:COUPLING_BITS];
              else code = active[row][col*WORD_BITS+slot_unit[slot]*COUPLING_BITS+:COUPLING_BITS];
              if (steps_of(code, COUPLING_BITS) != 0.0) begin
                source[count] = from_row * COLS + from_col;
                strength[count] = steps_of(code, COUPLING_BITS) * COUPLING_LSB * CLOCK_S;
                count = count + 1;
              end
            end
          end
          code = active[row][col*WORD_BITS+SHIL_LOW+:SHIL_BITS];
          shil[cell_number] = steps_of(code, SHIL_BITS) * SHIL_LSB * CLOCK_S;
          code = active[row][col*WORD_BITS+FIELD_LOW+:FIELD_BITS];
          field[cell_number] = steps_of(code, FIELD_BITS) * FIELD_LSB * CLOCK_S;
          code = active[row][col*WORD_BITS+DETUNING_LOW+:DETUNING_BITS];
          detuning[cell_number] = steps_of(code, DETUNING_BITS) * DETUNING_LSB * CLOCK_S;
        end
      first[CELLS] = count;
    end
  endtask

  // One Runge-Kutta step of some clock cycles.
  task step_phases;
    input real cycles;
    integer i, entry, stage;
    real pull_sine, pull_cosine, moved, s, c;
    begin
      for (i = 0; i < CELLS; i = i + 1) total[i] = 0.0;
      for (stage = 0; stage < 4; stage = stage + 1) begin
        for (i = 0; i < CELLS; i = i + 1) begin
          moved = stage == 0 ? theta[i] : theta[i] + cycles * reach[stage] * slope[i];
          sine[i] = $sin(moved);
          cosine[i] = $cos(moved);
        end
        for (i = 0; i < CELLS; i = i + 1) begin
          pull_sine = 0.0;
          pull_cosine = 0.0;
          for (entry = first[i]; entry < first[i+1]; entry = entry + 1) begin
            pull_sine = pull_sine + strength[entry] * sine[source[entry]];
            pull_cosine = pull_cosine + strength[entry] * cosine[source[entry]];
          end
          s = sine[i];
          c = cosine[i];
          slope[i] = detuning[i] + c * (pull_sine - 2.0 * shil[i] * s) - s * (pull_cosine + field[i]);
          total[i] = total[i] + cycles * weight[stage] * slope[i];
        end
      end
      for (i = 0; i < CELLS; i = i + 1) theta[i] = theta[i] + total[i];
    end
  endtask

  // The clock cycles of run that have been counted: equal steps, the last one shorter when they do not divide them.
  task settle;
    // A step is numerator / denominator clock cycles.
    reg [63:0] numerator, denominator, whole, rest, taken;
    real parts;
    begin
      numerator = settings[@@{step_numerator}];
      denominator = settings[@@{step_denominator}];
      parts = denominator;
      whole = (pending * denominator) / numerator;
      rest = (pending * denominator) % numerator;
      if (rest != 0) whole = whole + 1;
      for (taken = 1; taken <= whole; taken = taken + 1)
        step_phases((taken == whole && rest != 0 ? rest : numerator) / parts);
      pending = 0;
    end
  endtask

  // The noise of the sample: the next one of phases.hex, which holds so many samples and is read around.
  integer phase_file;
  reg [31:0] drawn_to;
  task draw_phases;
    reg [31:0] wanted;
    reg [63:0] bits;
    integer i, got;
    begin
      if (noise_seed != settings[@@{seed}])
        $fatal(1, "phases.hex holds the noise of seed %0d, but noise_seed is %0d", settings[@@{seed}], noise_seed);
      wanted = (noise_index - settings[@@{first_sample}]) % settings[@@{samples}];
      if (drawn_to == 0 || wanted < drawn_to) begin
        if (drawn_to != 0) $fclose(phase_file);
        phase_file = $fopen({folder, "/phases.hex"}, "r");
        if (phase_file == 0) $fatal(1, "%0s/phases.hex cannot be read", folder);
        drawn_to = 0;
      end
      while (drawn_to <= wanted) begin
        for (i = 0; i < CELLS; i = i + 1) begin
          got = $fscanf(phase_file, "%h", bits);
          if (got != 1) $fatal(1, "%0s/phases.hex ends within sample %0d", folder, drawn_to);
          theta[i] = $bitstoreal(bits);
        end
        drawn_to = drawn_to + 1;
      end
    end
  endtask

  // Tap k in sub-phase s of a readable cell: sign(cos(theta + pi k / taps + pi s / (taps subphases))), sign(0) = +.
  reg [FRAME_ROWS*ROW_TAPS-1:0] latches, found;
  task latch_taps;
    integer row, col, s, k;
    real phase;
    begin
      for (row = 0; row < FRAME_ROWS; row = row + 1)
        for (col = 0; col < FRAME_COLS; col = col + 1) begin
          phase = theta[(FIRST_ROW+row*ROW_STEP)*COLS+FIRST_COL+col*COL_STEP];
          for (s = 0; s < SUBPHASES; s = s + 1)
            for (k = 0; k < TAPS; k = k + 1)
              found[row*ROW_TAPS+(col*SUBPHASES+s)*TAPS+k] =
                  $cos(phase + (PI * k / TAPS + PI * s / (TAPS * SUBPHASES))) >= 0.0;
        end
      latches <= found;
    end
  endtask

  // The contract.
  reg armed, was_init, was_run, was_commit, was_sample, committed, drawn;
  reg [31:0] was_seed, was_index;
  integer next_row, unready; // row that continues the load; edges since ready was last high

  task broken;
    input integer rule;
    begin
      $display("array macro: the control plane broke its contract in clock cycle %0d", cycle);
      case (rule)
@@{rules}
        default: ;
      endcase
      $display("  init %b, run %b, commit %b, sample %b, load_strobe %b, load_row %0d, tap_row %0d, ready %b", init, run,
               commit, sample, load_strobe, load_row, tap_row, ready);
      $fatal(1, "contract of the array macro broken: A%03d", rule);
    end
  endtask

  // The first rule that does not hold on this edge; 0 when all do.
  integer violated;
  task check_contract;
    begin
      violated = 0;
      if (^{load_strobe, commit, init, run, sample} === 1'bx) violated = 12;
      else if (load_strobe && ^{load_row, load_data} === 1'bx) violated = 13;
      else if (init && ^{noise_seed, noise_index} === 1'bx) violated = 13;
      else if (sample && ^tap_row === 1'bx) violated = 13;
      else if (init && run) violated = 1;
      else if (load_strobe && load_row >= ROWS) violated = 2;
      else if (load_strobe && load_row != 0 && load_row != next_row) violated = 3;
      else if (load_strobe && commit) violated = 4;
      else if ((commit && was_commit) || (sample && was_sample)) violated = 6;
      else if (commit && next_row != ROWS) violated = 5;
      else if (run && !was_run && !(committed && drawn)) violated = 7;
      else if (sample && tap_row != 0) violated = 8;
      else if (init && was_init && (noise_seed != was_seed || noise_index != was_index)) violated = 9;
      else if (init && !was_init && unready >= READY_LATENCY) violated = 10;
      else if ((init || run) && unready > READY_LATENCY) violated = 11;
      if (violated != 0) broken(violated);
    end
  endtask

  // The boundary. The last step of a run comes first, then sample, commit and the write of a row.
  reg ready_level;
  reg [31:0] stable_for; // clock cycles since the tap bus last changed
  reg [@@{tap_row_high}:0] seen_row;
  assign ready = ready_level;
  assign tap_valid = tap_row == seen_row && stable_for >= tap_cycles;
`ifdef VERILATOR
  assign tap_data = tap_valid ? latches[tap_row*ROW_TAPS+:ROW_TAPS] : ~latches[tap_row*ROW_TAPS+:ROW_TAPS];
`else
  assign tap_data = tap_valid ? latches[tap_row*ROW_TAPS+:ROW_TAPS] : {ROW_TAPS{1'bx}};
`endif

  integer each;
  initial begin
    for (each = 0; each < CELLS; each = each + 1) theta[each] = 0.0;
    cycle = 0;
    pending = 0;
    drawn_to = 0;
    next_row = 0;
    unready = 0;
    {armed, was_init, was_run, was_commit, was_sample, committed, drawn} = 7'd0;
    ready_level = 1'b0;
    stable_for = 0;
    seen_row = 0;
  end

  always @(posedge clk) begin
    cycle = cycle + 1;
    unready = ready_level ? 0 : unready + 1;
    if (!armed) armed = {load_strobe, commit, init, run, sample} === 5'd0;
    else begin
      check_contract;
      if (run) pending = pending + 1;
      if (pending != 0 && (!run || sample || commit)) settle;
      if (init && !was_init) begin
        draw_phases;
        drawn = 1'b1;
      end
      if (sample) latch_taps;
      if (commit) begin
        for (each = 0; each < ROWS; each = each + 1) active[each] = shadow[each];
        apply_codes;
        committed = 1'b1;
        next_row = 0;
      end
      if (load_strobe) begin
        shadow[load_row] = load_data;
        next_row = load_row + 1;
      end
    end
    was_init = init;
    was_run = run;
    was_commit = commit;
    was_sample = sample;
    was_seed = noise_seed;
    was_index = noise_index;
    seen_row <= tap_row;
    stable_for <= sample || tap_row != seen_row ? 0 : stable_for + 1;
    ready_level <= cycle >= ready_cycles && !(lost_cycle >= 0 && cycle >= lost_cycle);
  end
endmodule
