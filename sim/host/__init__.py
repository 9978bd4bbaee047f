"""The host: the register driver and what runs a core with it."""
