"""Two sites on one machine, of real servers."""
