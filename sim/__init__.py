"""Behavioural array, co-simulation and verification."""
