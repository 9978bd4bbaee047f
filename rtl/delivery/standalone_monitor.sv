  // The image stream: every beat is checked, whole frames are printed.
  integer images, beats, lane, column, fault_limit;
  reg receiving, abort_given, image_now, held_valid;
  reg [STREAM_WIDTH+LANES+1:0] held; // a beat that was offered and not taken
  reg [LANES-1:0] keep_expected;
  reg [7:0] code, expected;
  reg [7:0] frame [0:FRAME_ROWS*FRAME_COLS-1];
  wire [STREAM_WIDTH+LANES+1:0] offered = {m_axis_tuser, m_axis_tlast, m_axis_tkeep, m_axis_tdata};

  task fault;
    input [8*80:1] what;
    begin
      faults = faults + 1;
      if (faults <= 20) $display("fault: sample %0d, beat %0d: %0s", settings[@@{first_sample}] + images, beats, what);
    end
  endtask

  // A beat of an image: FRAME_ROWS rows of ROW_BEATS beats; the last beat of a row may be partly empty.
  task take_beat;
    begin
      keep_expected = {LANES{1'b1}};
      if (beats % ROW_BEATS == ROW_BEATS - 1) keep_expected = {LANES{1'b1}} >> (ROW_BEATS * LANES - FRAME_COLS);
      if (m_axis_tkeep !== keep_expected) fault("tkeep does not mark the codes of the beat");
      if (m_axis_tlast !== (beats == FRAME_ROWS * ROW_BEATS - 1)) fault("tlast is not with the last beat of the frame");
      for (lane = 0; lane < LANES; lane = lane + 1) begin
        code = m_axis_tdata[lane*8+:8];
        column = (beats % ROW_BEATS) * LANES + lane;
        if (column >= FRAME_COLS && code !== 8'd0) fault("a byte without a code is not zero");
        if (column < FRAME_COLS) begin
          if (code >= PHASE_STEPS) fault("a code is not a phase step");
          if (beats < FRAME_ROWS * ROW_BEATS) frame[beats/ROW_BEATS*FRAME_COLS+column] = code;
        end
      end
    end
  endtask

  // Codes as decimal numbers, a line per row of the frame; codes.hex, where it exists, says what they should be.
  task end_frame;
    integer row, col;
    begin
      if (images < samples) begin
        $display("sample %0d", settings[@@{first_sample}] + images);
        for (row = 0; row < FRAME_ROWS; row = row + 1) begin
          for (col = 0; col < FRAME_COLS; col = col + 1) $write(" %3d", frame[row*FRAME_COLS+col]);
          $display("");
        end
      end
      if (codes_file != 0 && images < settings[@@{samples}])
        for (row = 0; row < FRAME_ROWS; row = row + 1)
          for (col = 0; col < FRAME_COLS; col = col + 1) begin
            got = $fscanf(codes_file, "%h", expected);
            if (got != 1) fault("codes.hex is too short");
            else if (frame[row*FRAME_COLS+col] !== expected) begin
              $display("row %0d, column %0d: code %0d, expected %0d", row, col, frame[row*FRAME_COLS+col], expected);
              fault("the codes are not those of codes.hex");
            end
          end
    end
  endtask

  initial begin
    images = 0;
    beats = 0;
    {receiving, abort_given, image_now, held_valid} = 4'd0;
  end

  always @(posedge clk) begin
    image_now = 1'b0;
    if (!rst && ^m_axis_tvalid === 1'bx) fault("tvalid is unknown");
    if (held_valid && (m_axis_tvalid !== 1'b1 || offered !== held)) fault("a beat changed before it was taken");
    if (m_axis_tvalid === 1'b1 && ^offered === 1'bx) fault("an offered beat holds unknown bits");
    if (m_axis_tvalid === 1'b1 && m_axis_tready) begin
      image_now = 1'b1;
      if (m_axis_tuser === 1'b1) begin
        $display("sample %0d: tuser is high, the frame is not an image", settings[@@{first_sample}] + images);
        if (!m_axis_tlast) fault("tuser is high without tlast");
        beats = 0;
        images = images + 1;
        faults = faults + 1;
      end else begin
        take_beat;
        beats = beats + 1;
        if (m_axis_tlast === 1'b1) begin
          end_frame;
          beats = 0;
          images = images + 1;
        end
      end
    end
    held_valid = m_axis_tvalid === 1'b1 && !m_axis_tready;
    held = offered;
    m_axis_tready <= receiving && ($unsigned($random) % 100 >= stall);
  end

