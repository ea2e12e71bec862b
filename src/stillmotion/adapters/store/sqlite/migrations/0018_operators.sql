-- Pauses and drains of the queue: a row for each target. `name` is an engine or a worker, empty for all.
CREATE TABLE queue_controls (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    since INTEGER NOT NULL,
    actor TEXT NOT NULL,
    PRIMARY KEY (scope, name)
) STRICT, WITHOUT ROWID;

-- Actions of operators. An id sorts by its time. `details` is JSON; `refused` is NULL for an action that was carried out.
CREATE TABLE actions (
    id TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    name TEXT NOT NULL,
    target TEXT NOT NULL,
    details TEXT NOT NULL,
    request_id TEXT NOT NULL,
    refused TEXT
) STRICT, WITHOUT ROWID;
