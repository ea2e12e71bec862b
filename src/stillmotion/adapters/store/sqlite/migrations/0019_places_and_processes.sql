-- Place in line that an operator gave a queued generation, in microseconds as `created_at`, by which the others stand.
-- Negative: before everybody's turn, the least first. NULL for a generation that was not moved.
ALTER TABLE generations ADD COLUMN moved_to INTEGER;

DROP INDEX generations_queued;
CREATE INDEX generations_queued ON generations (subscription_id, coalesce(moved_to, created_at), sequence, engine)
    WHERE state = 'queued';
CREATE INDEX generations_urgent ON generations (moved_to, subscription_id, engine)
    WHERE state = 'queued' AND moved_to < 0;

-- Processes that serve or render, each kept by its own heartbeats. `engines` and `lanes` are JSON.
CREATE TABLE processes (
    id TEXT PRIMARY KEY,
    role TEXT NOT NULL,                          -- server or worker
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    version TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    able INTEGER NOT NULL,                       -- 1: some lane can make clips
    engines TEXT NOT NULL,
    lanes TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Attempts of the last hour, for waits and render times.
CREATE INDEX attempts_ended ON attempts (ended_at, started_at, outcome) WHERE ended_at IS NOT NULL;
