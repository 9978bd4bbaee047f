"""Waves: which signals of a core are kept in a VCD file, and how viewers show them."""
