"""Requests that parsers read differently, sent to the server alone and through reverse proxies beside bystanders."""
