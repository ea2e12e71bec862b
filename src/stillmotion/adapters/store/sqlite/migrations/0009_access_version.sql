-- Version of all access data: a cache of keys is valid while the version is unchanged.
CREATE TABLE access_version (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    version INTEGER NOT NULL
) STRICT;
INSERT INTO access_version VALUES (1, 0);

CREATE TRIGGER products_changed AFTER UPDATE ON products
    BEGIN UPDATE access_version SET version = version + 1; END;
CREATE TRIGGER products_removed AFTER DELETE ON products
    BEGIN UPDATE access_version SET version = version + 1; END;
CREATE TRIGGER subscriptions_changed AFTER UPDATE ON subscriptions
    BEGIN UPDATE access_version SET version = version + 1; END;
CREATE TRIGGER subscriptions_removed AFTER DELETE ON subscriptions
    BEGIN UPDATE access_version SET version = version + 1; END;
CREATE TRIGGER keys_changed AFTER UPDATE ON keys
    BEGIN UPDATE access_version SET version = version + 1; END;
CREATE TRIGGER keys_removed AFTER DELETE ON keys
    BEGIN UPDATE access_version SET version = version + 1; END;
