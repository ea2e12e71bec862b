"""The walk: one real request followed through the house, file by file."""
