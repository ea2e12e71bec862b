"""Upkeep of the database file: inspection, backups, its link to the secret, names for shell completion."""
