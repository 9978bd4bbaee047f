"""What would make a model fit: what-if, changes of a model, witnesses, yield."""
