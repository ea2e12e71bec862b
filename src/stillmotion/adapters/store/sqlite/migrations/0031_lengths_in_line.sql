-- The index of what waits holds lengths too: a place in line is counted without the rows, whose lengths are in their JSON.
DROP INDEX generations_queued;
CREATE INDEX generations_queued ON generations (subscription_id, coalesce(moved_to, created_at), sequence, engine, video)
    WHERE state = 'queued';
