"""Test benches in the simulator of Amaranth."""
