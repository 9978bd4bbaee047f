"""Memories: the one kind of SRAM of which a core is made, and the pins that a foundry's macro has besides."""
