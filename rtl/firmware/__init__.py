"""The C driver of a core."""
