"""Background loops of a server: callbacks, sweeps, and a watch over the database's files."""
