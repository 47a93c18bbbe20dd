"""Who may act on a service."""
