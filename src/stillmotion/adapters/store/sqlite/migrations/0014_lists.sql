-- An owner's names and values on a generation, a JSON object of strings. The generation that it repeats.
ALTER TABLE generations ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';
ALTER TABLE generations ADD COLUMN retry_of TEXT;

-- What lists are filtered by: narrow rows, so that all of an owner's can be looked at. The transactions that change a
-- generation keep them up to date. `text` is what a search looks through, folded (`application.ports.lists`).
CREATE TABLE list_entries (
    subscription_id TEXT NOT NULL,
    generation_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    model TEXT NOT NULL,
    metadata TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (subscription_id, generation_id)
) STRICT, WITHOUT ROWID;
INSERT INTO list_entries
    SELECT subscription_id, id, sequence, created_at, state, coalesce(request ->> '$.model', ''), metadata,
        folded(coalesce(request ->> '$.prompt', ''))
    FROM generations ORDER BY subscription_id, id;
CREATE INDEX list_entries_by_state ON list_entries (subscription_id, state, generation_id, sequence);
