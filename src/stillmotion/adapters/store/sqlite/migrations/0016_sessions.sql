-- Sessions of browsers, by the digest of a cookie's token. Each has the rights of its keys, and ends with them.
CREATE TABLE sessions (
    digest BLOB PRIMARY KEY,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    key_digest BLOB,                             -- of a subscription's key; NULL: an administrator's session alone
    administrator BLOB,                          -- the mark of the administrator's key; NULL: no administrator's session
    is_reader INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_key ON sessions (key_digest, administrator, created_at);
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TRIGGER sessions_changed AFTER UPDATE ON sessions
    BEGIN UPDATE access_version SET version = version + 1; END;
CREATE TRIGGER sessions_removed AFTER DELETE ON sessions
    BEGIN UPDATE access_version SET version = version + 1; END;

-- The first link that a server printed, by the digest of its token.
CREATE TABLE first_links (
    digest BLOB PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
