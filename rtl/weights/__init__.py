"""Weights: ingress, banks, protection, loader, scrubber, self-test."""
