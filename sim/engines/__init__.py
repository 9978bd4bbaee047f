"""Co-simulation engines."""
