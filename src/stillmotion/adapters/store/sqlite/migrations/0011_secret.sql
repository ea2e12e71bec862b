-- Link to the data directory. The fingerprint is an HMAC of a constant under the
-- directory's secret; NULL until the first start.
CREATE TABLE meta (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    secret_fingerprint BLOB
) STRICT;
INSERT INTO meta VALUES (1, NULL);
