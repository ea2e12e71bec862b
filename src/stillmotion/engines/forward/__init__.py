"""Other servers as engines: what each is asked in its own dialect, and what its answers mean."""
