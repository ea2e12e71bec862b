"""Metadata of a picture file: its segments, boxes and chunks. None of it can refuse a picture."""
