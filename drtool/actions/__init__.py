"""One module a technology, reached by entry points only."""
