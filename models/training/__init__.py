"""Training: generator, losses, configuration, state."""
