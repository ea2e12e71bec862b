"""`stillmotion callbacks`: the log of deliveries, test messages, and messages passed on to a receiver."""
