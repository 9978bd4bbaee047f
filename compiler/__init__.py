"""Model to program: IR, passes and file formats."""
