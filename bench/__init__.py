"""The project's benchmarks: each module with a command prints a table of figures against their bars."""
