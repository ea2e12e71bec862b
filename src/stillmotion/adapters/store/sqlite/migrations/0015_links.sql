-- Failures of a subscription by their code, and those that were made once more.
CREATE INDEX generations_failed ON generations (subscription_id, failure_code, finished_at) WHERE state = 'failed';
CREATE INDEX generations_retries ON generations (retry_of) WHERE retry_of IS NOT NULL;

-- Links under which anyone may watch a clip, until they expire. A link goes with its generation.
CREATE TABLE links (
    id TEXT PRIMARY KEY,
    subscription_id TEXT NOT NULL,
    generation_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX links_of_generations ON links (generation_id, created_at);
CREATE INDEX links_by_expiry ON links (expires_at);
