"""What is done to a PgBouncer: pause, resume, reload."""
