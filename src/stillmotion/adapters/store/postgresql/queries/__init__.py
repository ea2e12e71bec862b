"""Statements of the store in PostgreSQL's dialect."""
