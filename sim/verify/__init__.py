"""Verification: the checks of `oscc verify`, and campaigns of faults."""
