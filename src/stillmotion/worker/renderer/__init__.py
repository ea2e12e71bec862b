"""The renderer process: its service loop, its jobs, and the host's handle on it."""
