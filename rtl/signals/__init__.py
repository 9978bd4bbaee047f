"""Shapes, ports and streams that components share, each declared once."""
