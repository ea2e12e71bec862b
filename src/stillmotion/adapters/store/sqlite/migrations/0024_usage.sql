-- The key that a generation was submitted by: its first characters; empty for older ones.
ALTER TABLE generations ADD COLUMN key TEXT NOT NULL DEFAULT '';

-- Usage by the day (UTC) of acceptance, by model and key. The transactions that accept and finish a generation keep it
-- up to date; a deletion leaves it alone. Costs are millionths of the operator's unit.
CREATE TABLE usage_days (
    subscription_id TEXT NOT NULL REFERENCES subscriptions (id),
    day TEXT NOT NULL,                           -- 2026-11-29
    model TEXT NOT NULL,
    key TEXT NOT NULL,
    generations INTEGER NOT NULL,
    completed INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    video INTEGER NOT NULL,                      -- microseconds
    cost INTEGER NOT NULL,
    PRIMARY KEY (subscription_id, day, model, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_by_day ON usage_days (day);

INSERT INTO usage_days
    SELECT
        subscription_id, date(created_at / 1000000, 'unixepoch'), coalesce(model, ''), key, count(*),
        sum(state = 'completed'), sum(state = 'failed'),
        sum(iif(state IN ('failed', 'cancelled'), 0, coalesce(video, 0))), sum(coalesce(cost, 0))
    FROM generations GROUP BY 1, 2, 3, 4;
