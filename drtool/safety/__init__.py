"""Judges values and connects to nothing."""
