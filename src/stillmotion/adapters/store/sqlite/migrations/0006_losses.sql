-- How often a generation was lost with its worker: hand-backs raise the attempt, too, and are nobody's fault.
ALTER TABLE generations ADD COLUMN losses INTEGER NOT NULL DEFAULT 0;
