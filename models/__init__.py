"""The PyTorch side: reference dynamics and checkpoints."""
