"""The register port: AXI4-Lite, SPI, arbiter, register block."""
