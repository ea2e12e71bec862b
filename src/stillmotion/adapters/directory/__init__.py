"""The data directory: its lock, secret and workers, and backups of it."""
