"""Operator's commands: products, subscriptions, keys, callbacks, retention, backups."""
