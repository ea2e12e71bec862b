-- Number and length of what waits in each line for each engine: in all, and in parts of 2^26 microseconds (67 s) of the
-- place in line. A place in a long line is a sum of parts and the count within one. What was moved to the front of all is
-- not in them. Triggers keep both, so that no change is forgotten.
CREATE TABLE line_lengths (
    subscription_id TEXT NOT NULL,
    engine TEXT NOT NULL,
    queued INTEGER NOT NULL,
    video INTEGER NOT NULL,                      -- microseconds
    PRIMARY KEY (subscription_id, engine)
) STRICT, WITHOUT ROWID;

CREATE TABLE line_parts (
    subscription_id TEXT NOT NULL,
    engine TEXT NOT NULL,
    part INTEGER NOT NULL,
    queued INTEGER NOT NULL,
    video INTEGER NOT NULL,
    PRIMARY KEY (subscription_id, engine, part)
) STRICT, WITHOUT ROWID;

-- The changes are rows of a view, so that one trigger carries them out. `queued` is 1 or -1.
CREATE VIEW line_changes AS
    SELECT NULL AS subscription_id, NULL AS engine, NULL AS place, NULL AS queued, NULL AS video;

CREATE TRIGGER line_changed INSTEAD OF INSERT ON line_changes BEGIN
    INSERT INTO line_lengths VALUES (new.subscription_id, new.engine, new.queued, new.queued * new.video)
        ON CONFLICT DO UPDATE SET queued = queued + excluded.queued, video = video + excluded.video;
    DELETE FROM line_lengths
        WHERE subscription_id = new.subscription_id AND engine = new.engine AND queued < 1;
    INSERT INTO line_parts
        VALUES (new.subscription_id, new.engine, new.place >> 26, new.queued, new.queued * new.video)
        ON CONFLICT DO UPDATE SET queued = queued + excluded.queued, video = video + excluded.video;
    DELETE FROM line_parts
        WHERE subscription_id = new.subscription_id AND engine = new.engine AND part = new.place >> 26
            AND queued < 1;
END;

INSERT INTO line_changes
    SELECT subscription_id, engine, coalesce(moved_to, created_at), 1, video FROM generations
    WHERE state = 'queued' AND coalesce(moved_to, 0) >= 0;

CREATE TRIGGER line_submitted AFTER INSERT ON generations WHEN new.state = 'queued' BEGIN
    INSERT INTO line_changes VALUES (new.subscription_id, new.engine, new.created_at, 1, new.video);
END;

CREATE TRIGGER line_left AFTER UPDATE OF state, engine, moved_to ON generations
WHEN old.state = 'queued' AND coalesce(old.moved_to, 0) >= 0
    AND (new.state <> 'queued' OR new.engine <> old.engine OR new.moved_to IS NOT old.moved_to) BEGIN
    INSERT INTO line_changes
        VALUES (old.subscription_id, old.engine, coalesce(old.moved_to, old.created_at), -1, old.video);
END;

CREATE TRIGGER line_joined AFTER UPDATE OF state, engine, moved_to ON generations
WHEN new.state = 'queued' AND coalesce(new.moved_to, 0) >= 0
    AND (old.state <> 'queued' OR new.engine <> old.engine OR new.moved_to IS NOT old.moved_to) BEGIN
    INSERT INTO line_changes
        VALUES (new.subscription_id, new.engine, coalesce(new.moved_to, new.created_at), 1, new.video);
END;

CREATE TRIGGER line_removed AFTER DELETE ON generations
WHEN old.state = 'queued' AND coalesce(old.moved_to, 0) >= 0 BEGIN
    INSERT INTO line_changes
        VALUES (old.subscription_id, old.engine, coalesce(old.moved_to, old.created_at), -1, old.video);
END;
