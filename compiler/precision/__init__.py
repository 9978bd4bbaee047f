"""What the width of the DACs does to a model: use of codes, errors of a problem, warnings and their remedies."""
