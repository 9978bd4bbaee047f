// Array macro of tiny-8x8, an ideal model written from docs/macro.md: phases are numbers of 1/4096 turn, and only the
// detuning acts, by its code per cycle of run.
module tiny_8x8_array (
    input wire clk,
    input wire [2:0] load_row,
    input wire [863:0] load_data,
    input wire load_strobe,
    input wire commit,
    input wire init,
    input wire run,
    input wire sample,
    input wire [31:0] noise_seed,
    input wire [31:0] noise_index,
    input wire [1:0] tap_row,
    output wire [127:0] tap_data,
    output wire tap_valid,
    output wire ready
);
  reg [863:0] shadow[0:7], active[0:7];
  reg [11:0] phase[0:63];
  reg [127:0] latched[0:3];
  reg [127:0] row_taps;
  reg [11:0] seen;
  reg [3:0] code;
  reg [863:0] codes;
  integer row, column, s, k;
  assign ready = 1'b1;
  assign tap_valid = 1'b1;
  assign tap_data = latched[tap_row];

  always @(posedge clk) begin
    if (init === 1'b1)
      for (row = 0; row < 8; row = row + 1)
        for (column = 0; column < 8; column = column + 1)
          phase[8*row+column] = 12'd64 * (5 * row + 3 * column + 7 * noise_index + noise_seed) + 12'd32;
    if (run === 1'b1)
      for (row = 0; row < 8; row = row + 1)
        for (column = 0; column < 8; column = column + 1) begin
          codes = active[row] >> (108 * column + 104);
          code = codes[3:0];
          phase[8*row+column] = code[3] ? phase[8*row+column] - code[2:0] : phase[8*row+column] + code[2:0];
        end
    if (sample === 1'b1)
      for (row = 0; row < 4; row = row + 1) begin
        row_taps = 128'd0;
        for (column = 0; column < 4; column = column + 1)
          for (s = 0; s < 4; s = s + 1)
            for (k = 0; k < 8; k = k + 1) begin
              seen = phase[16*row+2*column] + 256 * k + 64 * s;
              row_taps[32*column+8*s+k] = seen <= 12'd1024 || seen >= 12'd3072;
            end
        latched[row] <= row_taps;
      end
    if (commit === 1'b1) for (row = 0; row < 8; row = row + 1) active[row] = shadow[row];
    if (load_strobe === 1'b1) shadow[load_row] = load_data;
  end
endmodule
