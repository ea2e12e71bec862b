-- What another server calls the generation, empty where none is at it.
ALTER TABLE generations ADD COLUMN remote TEXT NOT NULL DEFAULT '';

-- With the engine in it, a lane that looks for its own engine's work reads no rows of the others'.
DROP INDEX generations_queued;
CREATE INDEX generations_queued ON generations (subscription_id, created_at, sequence, engine) WHERE state = 'queued';
