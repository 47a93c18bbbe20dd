"""What is left to read after a run."""
