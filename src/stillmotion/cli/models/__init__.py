"""`stillmotion models`: list, pull and try models."""
