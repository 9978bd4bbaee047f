"""The quality of samples: distances, features, sensitivity."""
