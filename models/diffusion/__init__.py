"""Diffusion models: noise levels, exact denoisers, and steps of the probability flow in float."""
