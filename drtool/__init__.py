"""Disaster-recovery runbooks that run, are timed, and prove what they did."""

__version__ = "0.1.0"
