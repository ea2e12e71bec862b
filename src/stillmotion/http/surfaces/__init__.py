"""The dialects of the API, one package each; they know nothing of each other."""
