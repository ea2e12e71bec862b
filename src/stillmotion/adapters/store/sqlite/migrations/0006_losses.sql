-- Number of times that a generation was lost with its worker. Hand-backs raise `attempt` too, and are no failure.
ALTER TABLE generations ADD COLUMN losses INTEGER NOT NULL DEFAULT 0;
