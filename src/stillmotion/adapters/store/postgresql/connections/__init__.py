"""Connections to PostgreSQL: how they are opened, what they run, and the threads that hold them."""
