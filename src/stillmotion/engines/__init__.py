"""Engines: one render job in, frames out. They know neither HTTP nor the store, nor each other."""
