-- A product without a list has all surfaces, later ones too. Older products listed every surface of their time.
ALTER TABLE products RENAME COLUMN surfaces TO listed_surfaces;
ALTER TABLE products ADD COLUMN surfaces TEXT;                -- a JSON array of names; NULL: every one
UPDATE products SET surfaces = listed_surfaces
    WHERE listed_surfaces NOT IN ('["gateway"]', '["dream-machine","gateway"]');
ALTER TABLE products DROP COLUMN listed_surfaces;
ALTER TABLE products ADD COLUMN resolutions TEXT;             -- a JSON array of wire words; NULL: every one
ALTER TABLE products ADD COLUMN max_seconds REAL;             -- of a clip; NULL: what the engine can do
ALTER TABLE products ADD COLUMN price_per_second TEXT NOT NULL DEFAULT '0';  -- a decimal, in the operator's own unit

ALTER TABLE subscriptions ADD COLUMN expires_at INTEGER;      -- NULL: never

-- Fair queueing. The transactions that change a generation's state keep `queued` up to date. `turn` is in microseconds
-- of video on the virtual clock; of equal turns the older one goes first. `waiting` is 1 if any generation is queued:
-- the index holds it instead of `queued`, which every submit changes.
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

-- Digests of the last submits' paths and bodies, for retries without an idempotency key. `span` numbers the two-minute
-- spans since 1970: old rows lie at the beginning of the table, and are swept from there.
CREATE TABLE recent_submits (
    span INTEGER NOT NULL,
    subscription_id TEXT NOT NULL,
    body_digest BLOB NOT NULL,
    generation_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (span, subscription_id, body_digest)
) STRICT, WITHOUT ROWID;

-- Generations of a subscription, the newest first. A look-up of another subscription's generation reads no row, as one
-- of an unknown id.
DROP INDEX generations_by_owner;
CREATE UNIQUE INDEX generations_owned ON generations (subscription_id, id);
