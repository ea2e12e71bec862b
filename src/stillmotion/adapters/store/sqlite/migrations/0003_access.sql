-- A product that lists no surfaces has them all, those that come later too. What was made before this listed all
-- that there were.
ALTER TABLE products RENAME COLUMN surfaces TO listed_surfaces;
ALTER TABLE products ADD COLUMN surfaces TEXT;                -- a JSON array of names; NULL: every one
UPDATE products SET surfaces = listed_surfaces
    WHERE listed_surfaces NOT IN ('["gateway"]', '["dream-machine","gateway"]');
ALTER TABLE products DROP COLUMN listed_surfaces;
ALTER TABLE products ADD COLUMN resolutions TEXT;             -- a JSON array of wire words; NULL: every one
ALTER TABLE products ADD COLUMN max_seconds REAL;             -- of a clip; NULL: what the engine can do
ALTER TABLE products ADD COLUMN price_per_second TEXT NOT NULL DEFAULT '0';  -- a decimal, in the operator's own unit

ALTER TABLE subscriptions ADD COLUMN expires_at INTEGER;      -- NULL: never

-- Whose turn it is. `queued` is kept by the same transactions that change a generation's state; `turn` is in
-- microseconds of video on the virtual clock, and of equal turns the one that is older goes first. `waiting` is
-- whether any is queued: it stands in the index in the place of a number that each submit would change.
ALTER TABLE limits ADD COLUMN queued INTEGER NOT NULL DEFAULT 0;
ALTER TABLE limits ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0;
ALTER TABLE limits ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
ALTER TABLE limits ADD COLUMN turn_since INTEGER NOT NULL DEFAULT 0;
UPDATE limits SET queued = (
    SELECT count(*) FROM generations g WHERE g.subscription_id = limits.subscription_id AND g.state = 'queued'
);
UPDATE limits SET waiting = queued > 0;
CREATE INDEX limits_waiting ON limits (turn, turn_since) WHERE waiting = 1;

CREATE TABLE virtual_clock (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    time INTEGER NOT NULL
) STRICT;
INSERT INTO virtual_clock VALUES (1, 0);

DROP INDEX generations_queued;
CREATE INDEX generations_queued ON generations (subscription_id, created_at) WHERE state = 'queued';

-- What the last submits' paths and bodies came to, for retries that say no more than that they are one. `span` counts
-- two minutes each since 1970: what is past is the beginning of the table, and swept from there.
CREATE TABLE recent_submits (
    span INTEGER NOT NULL,
    subscription_id TEXT NOT NULL,
    body_digest BLOB NOT NULL,
    generation_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (span, subscription_id, body_digest)
) STRICT, WITHOUT ROWID;

-- A subscription's own generations, the newest first. Answers for another's generation without looking at its row, as it does for one that never was.
DROP INDEX generations_by_owner;
CREATE UNIQUE INDEX generations_owned ON generations (subscription_id, id);
