
  // SPI in mode 0, highest bit and byte first. sclk has nothing to do with the clock: its edges fall anywhere.
  real sclk_half_ns;
  integer sclk_periods;
  reg [7:0] spi_seen;

  task spi_exchange;
    input [7:0] sent;
    integer number;
    begin
      for (number = 7; number >= 0; number = number - 1) begin
        spi_mosi = sent[number];
        #(sclk_half_ns);
        if (spi_miso_enable !== 1'b1) stop_with("the core does not drive spi_miso within a frame");
        spi_seen = {spi_seen[6:0], spi_miso};
        spi_sclk = 1'b1;
        #(sclk_half_ns);
        spi_sclk = 1'b0;
      end
    end
  endtask

  task spi_begin;
    input [7:0] command;
    input [11:0] address;
    begin
      spi_cs_n = 1'b0;
      #(sclk_half_ns);
      spi_exchange(command);
      spi_exchange({4'h0, address[11:8]});
      spi_exchange(address[7:0]);
    end
  endtask

  // Turnaround and status byte.
  task spi_take_status;
    begin
      spi_exchange(8'h00);
      spi_exchange(8'h00);
      if (spi_seen[7:2] !== 6'h@@{spi_status}) begin
        $display("SPI: 0x%02h in place of the status byte", spi_seen);
        stop_with("the core does not answer by SPI");
      end
      response = spi_seen[1:0];
    end
  endtask

  task spi_end;
    begin
      #(sclk_half_ns);
      spi_cs_n = 1'b1;
      #(sclk_half_ns);
    end
  endtask

  task spi_write;
    input [11:0] address;
    input [31:0] word;
    begin
      spi_begin(8'h@@{spi_write}, address);
      spi_exchange(word[31:24]);
      spi_exchange(word[23:16]);
      spi_exchange(word[15:8]);
      spi_exchange(word[7:0]);
      spi_take_status;
      spi_end;
    end
  endtask

  task spi_read;
    input [11:0] address;
    integer number;
    begin
      spi_begin(8'h@@{spi_read}, address);
      spi_take_status;
      for (number = 0; number < 4; number = number + 1) begin
        spi_exchange(8'h00);
        answer = {answer[23:0], spi_seen};
      end
      spi_end;
    end
  endtask
