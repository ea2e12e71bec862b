-- Background work that one process of all does at a time. `term` counts the holders of a duty and only grows.
CREATE TABLE duties (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until INTEGER NOT NULL,                      -- 0: free
    term INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX processes_servers ON processes (id) WHERE role = 'server';
