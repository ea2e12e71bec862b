"""Outgoing requests to URLs from strangers: one guard against SSRF, for downloads and for callbacks."""
