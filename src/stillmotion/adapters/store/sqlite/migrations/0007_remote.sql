-- Another server's id of the generation; empty while no other server makes it.
ALTER TABLE generations ADD COLUMN remote TEXT NOT NULL DEFAULT '';

-- The index holds the engine: a lane that looks for its own engine's work reads no rows of other engines.
DROP INDEX generations_queued;
CREATE INDEX generations_queued ON generations (subscription_id, created_at, sequence, engine) WHERE state = 'queued';
