"""Connections to the database file: one thread writes, each thread reads."""
