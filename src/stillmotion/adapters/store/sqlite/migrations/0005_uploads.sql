CREATE TABLE uploads (
    id TEXT PRIMARY KEY,
    subscription_id TEXT NOT NULL REFERENCES subscriptions (id),
    key TEXT NOT NULL,
    size INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX uploads_by_owner ON uploads (subscription_id, size);
CREATE INDEX uploads_by_expiry ON uploads (expires_at);
