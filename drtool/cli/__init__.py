"""Parse, call a verb, show."""
