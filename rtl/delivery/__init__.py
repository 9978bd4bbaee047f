"""What is handed over: Verilog, stubs, constraints, register exports, benches that are emitted."""
