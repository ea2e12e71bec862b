"""Callbacks: their delivery and its log, and trials for those who receive them."""
