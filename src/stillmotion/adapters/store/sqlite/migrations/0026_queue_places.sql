-- Number and length of what waits in each line for each engine, in parts of 2^24 microseconds (17 s) of the place in line.
-- A place in a long line is a sum of parts and the count within one. What was moved to the front of all is not in it.
-- Triggers keep it, so that no change is forgotten.
CREATE TABLE line_parts (
    subscription_id TEXT NOT NULL,
    engine TEXT NOT NULL,
    part INTEGER NOT NULL,
    queued INTEGER NOT NULL,
    video INTEGER NOT NULL,                      -- microseconds
    PRIMARY KEY (subscription_id, engine, part)
) STRICT, WITHOUT ROWID;

INSERT INTO line_parts (subscription_id, engine, part, queued, video)
    SELECT subscription_id, engine, coalesce(moved_to, created_at) >> 24, count(*), sum(video) FROM generations
    WHERE state = 'queued' AND coalesce(moved_to, created_at) >= 0
    GROUP BY subscription_id, engine, coalesce(moved_to, created_at) >> 24;

CREATE TRIGGER line_parts_submitted AFTER INSERT ON generations WHEN new.state = 'queued' BEGIN
    INSERT INTO line_parts VALUES (new.subscription_id, new.engine, new.created_at >> 24, 1, new.video)
        ON CONFLICT DO UPDATE SET queued = queued + 1, video = video + excluded.video;
END;

CREATE TRIGGER line_parts_left AFTER UPDATE OF state, engine, moved_to ON generations
WHEN old.state = 'queued' AND coalesce(old.moved_to, 0) >= 0
    AND (new.state <> 'queued' OR new.engine <> old.engine OR new.moved_to IS NOT old.moved_to) BEGIN
    UPDATE line_parts SET queued = queued - 1, video = video - old.video
        WHERE subscription_id = old.subscription_id AND engine = old.engine
            AND part = coalesce(old.moved_to, old.created_at) >> 24;
    DELETE FROM line_parts
        WHERE subscription_id = old.subscription_id AND engine = old.engine
            AND part = coalesce(old.moved_to, old.created_at) >> 24 AND queued < 1;
END;

CREATE TRIGGER line_parts_joined AFTER UPDATE OF state, engine, moved_to ON generations
WHEN new.state = 'queued' AND coalesce(new.moved_to, 0) >= 0
    AND (old.state <> 'queued' OR new.engine <> old.engine OR new.moved_to IS NOT old.moved_to) BEGIN
    INSERT INTO line_parts
        VALUES (new.subscription_id, new.engine, coalesce(new.moved_to, new.created_at) >> 24, 1, new.video)
        ON CONFLICT DO UPDATE SET queued = queued + 1, video = video + excluded.video;
END;

CREATE TRIGGER line_parts_removed AFTER DELETE ON generations
WHEN old.state = 'queued' AND coalesce(old.moved_to, 0) >= 0 BEGIN
    UPDATE line_parts SET queued = queued - 1, video = video - old.video
        WHERE subscription_id = old.subscription_id AND engine = old.engine
            AND part = coalesce(old.moved_to, old.created_at) >> 24;
    DELETE FROM line_parts
        WHERE subscription_id = old.subscription_id AND engine = old.engine
            AND part = coalesce(old.moved_to, old.created_at) >> 24 AND queued < 1;
END;
