"""The operator's API: products, subscriptions and keys, under a key of its own."""
