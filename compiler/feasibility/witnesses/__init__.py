"""The independent check of witnesses; it shares no code with what makes findings."""
