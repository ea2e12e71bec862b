"""What the application asks for from outside, one module per port."""
