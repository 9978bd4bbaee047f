"""Nodes split into chains of strongly coupled copies, for graphs that no one-to-one placement takes."""
