"""Kinds of files: which pictures and videos are read, by their first bytes, and what is said of all others."""
