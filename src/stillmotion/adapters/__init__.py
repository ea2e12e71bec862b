"""Adapters: the application's ports over the disk, the network, SQLite and a model hub."""
