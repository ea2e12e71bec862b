"""The gateway surface: the founding document, word for word."""
