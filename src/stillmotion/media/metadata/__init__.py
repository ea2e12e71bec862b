"""Metadata of picture files: segments, boxes and chunks. Damage in it never refuses a picture."""
