"""Which servers a lab runs: its own or the machine's, a small class for each kind."""
