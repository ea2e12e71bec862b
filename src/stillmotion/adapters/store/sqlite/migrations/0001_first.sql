-- Times are microseconds since 1970 in UTC. Lengths of video are microseconds too, so that sums stay exact.

CREATE TABLE products (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    surfaces TEXT NOT NULL,                      -- a JSON array of names
    models TEXT,                                 -- a JSON array of names; NULL: every one
    submits_per_minute INTEGER NOT NULL,
    reads_per_minute INTEGER NOT NULL,
    concurrent_generations INTEGER NOT NULL,
    video_seconds_per_month INTEGER              -- NULL: no quota
) STRICT;

CREATE TABLE subscriptions (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    product_id TEXT NOT NULL REFERENCES products (id),
    created_at INTEGER NOT NULL,
    callback_secret TEXT NOT NULL,
    state TEXT NOT NULL
) STRICT;

CREATE TABLE keys (
    digest BLOB PRIMARY KEY,
    prefix TEXT NOT NULL,
    slot TEXT NOT NULL,
    subscription_id TEXT NOT NULL REFERENCES subscriptions (id),
    created_at INTEGER NOT NULL,
    UNIQUE (subscription_id, slot)
) STRICT, WITHOUT ROWID;

-- Usage of a subscription against its product's limits. The transactions that change a generation's state keep
-- `unfinished` up to date, so that a submit need not count rows.
CREATE TABLE limits (
    subscription_id TEXT PRIMARY KEY REFERENCES subscriptions (id),
    window_started_at INTEGER NOT NULL,
    window_spent INTEGER NOT NULL,
    unfinished INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE quotas (
    subscription_id TEXT NOT NULL REFERENCES subscriptions (id),
    period TEXT NOT NULL,                        -- 2026-11
    video_spent INTEGER NOT NULL,
    PRIMARY KEY (subscription_id, period)
) STRICT, WITHOUT ROWID;

CREATE TABLE generations (
    sequence INTEGER PRIMARY KEY,                -- the order in which they were accepted
    id TEXT NOT NULL UNIQUE,
    subscription_id TEXT NOT NULL REFERENCES subscriptions (id),
    surface TEXT NOT NULL,
    request TEXT NOT NULL,                       -- JSON
    engine TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    progress REAL NOT NULL,
    lease_until INTEGER,
    failure_code TEXT,
    failure_reason TEXT,
    plan TEXT NOT NULL,
    finished_at INTEGER,
    video_key TEXT,
    video_size INTEGER,
    video_digest TEXT,
    thumbnail_key TEXT,
    thumbnail_size INTEGER,
    thumbnail_digest TEXT
) STRICT;

-- Partial indexes: they hold unfinished generations alone, independent of the length of the history.
CREATE INDEX generations_queued ON generations (created_at) WHERE state = 'queued';
CREATE INDEX generations_dreaming ON generations (lease_until) WHERE state = 'dreaming';

CREATE TABLE idempotency_keys (
    subscription_id TEXT NOT NULL REFERENCES subscriptions (id),
    key TEXT NOT NULL,
    body_digest BLOB NOT NULL,
    generation_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (subscription_id, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

CREATE TABLE deliveries (
    sequence INTEGER PRIMARY KEY,                -- the order in which they were caused
    id TEXT NOT NULL UNIQUE,
    generation_id TEXT NOT NULL REFERENCES generations (id),
    announces TEXT NOT NULL,
    url TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    state TEXT NOT NULL,
    last_answer TEXT
) STRICT;

CREATE INDEX deliveries_pending ON deliveries (due_at) WHERE state = 'pending';
CREATE INDEX deliveries_by_generation ON deliveries (generation_id);
