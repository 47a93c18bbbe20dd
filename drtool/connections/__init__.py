"""How each technology is reached; the only place that imports its client library."""
