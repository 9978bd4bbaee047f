"""Kinds of findings that the compiler has: each is declared once."""
