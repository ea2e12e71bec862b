"""The generated parts of the documentation: `python3 dev.py docs`."""
