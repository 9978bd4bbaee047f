"""Shapes and signatures that components share."""
