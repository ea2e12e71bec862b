"""The edge: dialects of the same job over HTTP."""
