"""Rooms of the administration: one noun each, its JSON, its handlers and its operations."""
