"""How good samples are: distances, features, sensitivity."""
