"""Django's PostgreSQL backend over the embedded server, which starts with the first connection."""
