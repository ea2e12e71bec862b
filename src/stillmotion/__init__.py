"""Stillmotion: a picture and a sentence in, a video out."""
