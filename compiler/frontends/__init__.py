"""Front ends: problems and graphs from elsewhere, as models."""
