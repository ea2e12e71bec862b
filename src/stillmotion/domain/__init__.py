"""Domain: rules of generations and subscriptions. Standard library only; no clock, no I/O."""
