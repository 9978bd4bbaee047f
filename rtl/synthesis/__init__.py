"""Synthesis of a core: utilisation, timing and area."""
