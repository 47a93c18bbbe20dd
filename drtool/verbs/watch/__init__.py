"""``drtool watch``: see that runs and services go on, tell people, and start what was allowed."""
