"""What the project measures about itself: each module with a command prints a table of figures against their bars."""
