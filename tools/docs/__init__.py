"""Writes what the documentation takes from the code: `python3 dev.py docs`."""
