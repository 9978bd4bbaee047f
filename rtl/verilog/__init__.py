"""Writing gateware as Verilog that people read: a module and a file for each component."""
