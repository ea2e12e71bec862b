-- A replaced key may go on for a while beside the new one of its slot. Its last use is no change of access.
CREATE TABLE kept_keys (
    digest BLOB PRIMARY KEY,
    prefix TEXT NOT NULL,
    slot TEXT NOT NULL,
    subscription_id TEXT NOT NULL REFERENCES subscriptions (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER,                          -- NULL: the present key of its slot
    used_at INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO kept_keys (digest, prefix, slot, subscription_id, created_at)
    SELECT digest, prefix, slot, subscription_id, created_at FROM keys;
DROP TABLE keys;
ALTER TABLE kept_keys RENAME TO keys;

CREATE UNIQUE INDEX keys_present ON keys (subscription_id, slot) WHERE expires_at IS NULL;
CREATE UNIQUE INDEX keys_replaced ON keys (subscription_id, slot) WHERE expires_at IS NOT NULL;
CREATE INDEX keys_owned ON keys (subscription_id, slot, expires_at);
CREATE TRIGGER keys_changed AFTER UPDATE OF digest, slot, subscription_id, expires_at ON keys
    BEGIN UPDATE access_version SET version = version + 1; END;
CREATE TRIGGER keys_removed AFTER DELETE ON keys
    BEGIN UPDATE access_version SET version = version + 1; END;

-- A replaced callback secret signs beside the new one until its end.
ALTER TABLE subscriptions ADD COLUMN retired_secret TEXT;
ALTER TABLE subscriptions ADD COLUMN retired_secret_until INTEGER;
