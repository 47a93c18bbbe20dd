"""Documents for a service of one's own, from a few answers."""
