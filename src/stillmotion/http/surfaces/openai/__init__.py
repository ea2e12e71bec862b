"""The OpenAI videos surface: for clients of that API, whose hosted service was shut down."""
