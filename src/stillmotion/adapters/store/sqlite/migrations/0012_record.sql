-- The record of a generation that its owner sees. Costs are millionths of the operator's unit, so that sums stay exact.
ALTER TABLE generations ADD COLUMN started_at INTEGER;   -- of the latest claim; NULL while it is queued
ALTER TABLE generations ADD COLUMN stage TEXT;           -- the worker's; NULL while there is none
ALTER TABLE generations ADD COLUMN seed INTEGER;         -- of the finished clip; NULL for an engine without seeds
ALTER TABLE generations ADD COLUMN width INTEGER;        -- of the finished clip's frame
ALTER TABLE generations ADD COLUMN height INTEGER;
ALTER TABLE generations ADD COLUMN cost INTEGER;         -- at the price of the day of its submit; NULL for older ones
UPDATE generations SET stage = 'rendering' WHERE state = 'dreaming';

-- Parts of the request that lists and sums ask for. They take no room: SQLite reads them from the JSON.
ALTER TABLE generations ADD COLUMN model TEXT GENERATED ALWAYS AS (request ->> 'model') VIRTUAL;
ALTER TABLE generations ADD COLUMN video INTEGER
    GENERATED ALWAYS AS (CAST(round((request ->> 'seconds') * 1000000) AS INTEGER)) VIRTUAL;  -- microseconds

-- Attempts of a generation, one row a claim.
CREATE TABLE attempts (
    generation_id TEXT NOT NULL REFERENCES generations (id),
    number INTEGER NOT NULL,
    engine TEXT NOT NULL,
    worker TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    outcome TEXT,
    reason TEXT,
    PRIMARY KEY (generation_id, number)
) STRICT, WITHOUT ROWID;
