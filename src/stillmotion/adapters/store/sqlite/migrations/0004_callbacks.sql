-- A delivery goes to an endpoint, its host and port; those of before this are each an endpoint of their own.
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
