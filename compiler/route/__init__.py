"""Routers: ways of wires over cell boundaries with a limited number of tracks."""
