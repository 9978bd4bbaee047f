"""Schedule: memory, fetch, sequencer, watchdog."""
