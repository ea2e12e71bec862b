"""`stillmotion mcp`: the tools of a Model Context Protocol server."""
