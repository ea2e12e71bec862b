"""Readers: pictures, depth images and clips, as arrays and facts."""
