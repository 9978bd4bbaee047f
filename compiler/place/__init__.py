"""Placers: which cell each node of a coupling graph gets."""
