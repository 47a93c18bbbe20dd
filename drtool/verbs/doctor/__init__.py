"""Whether this machine, and everything that a runbook needs, is fit for the day of the disaster.

Nothing here changes anything: no writer is ever opened. ``look`` gathers what is seen, side by
side and within a limit; the other modules judge it, one area each.
"""
