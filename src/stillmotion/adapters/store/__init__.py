"""Where generations, subscriptions and callbacks are kept."""
