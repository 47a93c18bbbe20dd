"""What is done to a PostgreSQL server: fence, promote, demote, follow, check."""
