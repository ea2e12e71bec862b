"""What can be done: one use case a method, over the ports that the adapters implement."""
