"""Advice: sets of changes after which a model fits, each tried before it is offered."""
