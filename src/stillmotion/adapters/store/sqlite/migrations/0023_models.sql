-- Operators' wishes to have models loaded or unloaded, the state that each worker tells, and pulls of weights.
CREATE TABLE model_wishes (
    engine TEXT PRIMARY KEY,
    wish TEXT NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE model_holdings (
    worker TEXT NOT NULL,
    lane TEXT NOT NULL,
    engine TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    told_at INTEGER NOT NULL,
    PRIMARY KEY (worker, lane, engine)
) STRICT, WITHOUT ROWID;

CREATE INDEX model_holdings_told ON model_holdings (told_at);

CREATE TABLE pulls (
    model TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    there INTEGER NOT NULL,
    total INTEGER,
    began_with INTEGER NOT NULL,
    started_at INTEGER,
    told_at INTEGER,
    error TEXT
) STRICT, WITHOUT ROWID;
