  // Behind a reset no output of the core is ever unknown; each is told once.
  reg watched;
  reg [@@{outputs_high}:0] told;
  initial told = 0;

  task unknown;
    input integer number;
    input [8*32:1] name;
    begin
      if (!told[number]) begin
        faults = faults + 1;
        $display("output %0s is unknown at %0t", name, $time);
      end
      told[number] = 1'b1;
    end
  endtask

  always @(posedge clk)
    if (watched === 1'b1) begin
@@{outputs}
    end
