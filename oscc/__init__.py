"""Compiler, control plane and verification for analog oscillator computers."""

import logging as _logging

# Whoever uses the package decides what becomes of its log.
_logging.getLogger(__name__).addHandler(_logging.NullHandler())
