-- Endpoint of a delivery: host and port of its URL. Each older delivery is an endpoint of its own.
ALTER TABLE deliveries ADD COLUMN endpoint TEXT NOT NULL DEFAULT '';
ALTER TABLE deliveries ADD COLUMN replays INTEGER NOT NULL DEFAULT 0;
UPDATE deliveries SET endpoint = url;

DROP INDEX deliveries_pending;
CREATE INDEX deliveries_pending ON deliveries (endpoint, due_at) WHERE state = 'pending';

CREATE TABLE delivery_attempts (
    delivery_id TEXT NOT NULL REFERENCES deliveries (id),
    replay INTEGER NOT NULL,                     -- 0: the first chain
    number INTEGER NOT NULL,                     -- within the chain, from 1
    started_at INTEGER NOT NULL,
    duration INTEGER NOT NULL,                   -- microseconds
    status INTEGER,
    reason TEXT,                                 -- where there was no status
    PRIMARY KEY (delivery_id, replay, number)
) STRICT, WITHOUT ROWID;

ALTER TABLE products ADD COLUMN retention_days INTEGER;  -- NULL: records and clips are kept until they are deleted

-- Finds expired generations, one subscription at a time.
CREATE INDEX generations_finished ON generations (subscription_id, finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX idempotency_keys_by_generation ON idempotency_keys (generation_id);

-- Deleted generations with objects that are still to be removed.
CREATE TABLE removals (
    generation_id TEXT PRIMARY KEY,
    deleted_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX removals_by_age ON removals (deleted_at);
