"""Gateware around a core: other buses than AXI for those who build systems without it."""
