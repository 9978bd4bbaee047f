"""Compiler, control plane and verification for analog oscillator computers."""
