"""The folder of a compilation: its reports, and compiling again what it holds."""
