"""The `oscc` command."""
