"""Frozen values that every layer speaks in: inventory, runbook, plan, event, run."""
