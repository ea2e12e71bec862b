"""The HTTP server on aiohttp: connections, requests, replies and streams."""
