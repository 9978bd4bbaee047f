"""The levels between a model and a program, with their verifiers."""
