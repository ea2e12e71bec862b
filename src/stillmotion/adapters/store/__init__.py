"""Stores of generations, subscriptions and callbacks."""
