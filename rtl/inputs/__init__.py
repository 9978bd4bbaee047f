"""Inputs: vectors of field codes, from the host's stream into the memory that a load merges them from."""
