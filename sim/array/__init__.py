"""The array: dynamics, noise, read-out of phases, and the macro around them."""
