-- Reads of a subscription over all servers, in its present window. No row outlives its window by much.
CREATE TABLE read_windows (
    subscription_id TEXT PRIMARY KEY,
    ends_at INTEGER NOT NULL,
    spent INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Time up to which somebody watches the generation's previews; NULL for nobody.
ALTER TABLE generations ADD COLUMN watched_until INTEGER;
