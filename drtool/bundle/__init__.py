"""One archive with everything that drtool needs at a place without a network."""
