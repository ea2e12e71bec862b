"""The rules: what a generation is, what may become of it, who may ask for it. Standard library, no clock, no I/O."""
