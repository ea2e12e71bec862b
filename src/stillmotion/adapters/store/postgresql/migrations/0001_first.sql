-- Names and ids are compared by their bytes, as in SQLite: an id's order is the order of time.
CREATE DOMAIN word AS text COLLATE "C";

CREATE TABLE products (
    id word PRIMARY KEY,
    name word NOT NULL UNIQUE,
    surfaces text,                               -- a JSON array of names; NULL: every one
    models text,
    resolutions text,
    max_seconds double precision,
    submits_per_minute bigint NOT NULL,
    reads_per_minute bigint NOT NULL,
    concurrent_generations bigint NOT NULL,
    video_seconds_per_month bigint,              -- NULL: no quota
    price_per_second text NOT NULL DEFAULT '0',
    retention_days bigint
);

CREATE TABLE subscriptions (
    sequence bigint GENERATED ALWAYS AS IDENTITY,
    id word PRIMARY KEY,
    name word NOT NULL,
    product_id word NOT NULL REFERENCES products (id),
    created_at bigint NOT NULL,                  -- all times: microseconds since 1970
    callback_secret text NOT NULL,
    state text NOT NULL,
    expires_at bigint,
    retired_secret text,
    retired_secret_until bigint
);

CREATE TABLE keys (
    digest bytea PRIMARY KEY,
    prefix text NOT NULL,
    slot word NOT NULL,
    subscription_id word NOT NULL REFERENCES subscriptions (id),
    created_at bigint NOT NULL,
    expires_at bigint,                           -- NULL: the present key of its slot
    used_at bigint,
    mark bytea NOT NULL DEFAULT ''                -- of the secret that the key was hashed with; empty: not known
);
CREATE UNIQUE INDEX keys_present ON keys (subscription_id, slot) WHERE expires_at IS NULL;
CREATE UNIQUE INDEX keys_replaced ON keys (subscription_id, slot) WHERE expires_at IS NOT NULL;

CREATE TABLE sessions (
    digest bytea PRIMARY KEY,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    key_digest bytea,                            -- of a subscription's key; NULL: an administrator's session alone
    administrator bytea,                         -- the mark of the administrator's key; NULL: no administrator's session
    is_reader bigint NOT NULL
);
CREATE INDEX sessions_by_key ON sessions (key_digest, administrator, created_at);
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE first_links (
    digest bytea PRIMARY KEY,
    expires_at bigint NOT NULL
);

CREATE TABLE access_version (
    "only" bigint PRIMARY KEY CHECK ("only" = 1),
    version bigint NOT NULL
);
INSERT INTO access_version VALUES (1, 0);

CREATE TABLE generations (
    sequence bigint GENERATED ALWAYS AS IDENTITY, -- the order in which they were accepted
    id word PRIMARY KEY,
    subscription_id word NOT NULL REFERENCES subscriptions (id),
    surface text NOT NULL,
    request text NOT NULL,                       -- JSON
    model word NOT NULL,                         -- the next two also: parts of the request
    resolution word NOT NULL,
    video bigint NOT NULL,                       -- microseconds
    engine word NOT NULL,
    created_at bigint NOT NULL,
    state word NOT NULL,
    attempt bigint NOT NULL,
    failures bigint NOT NULL,
    losses bigint NOT NULL,
    progress double precision NOT NULL,          -- the next two also: while it is rendered, see `leases`
    stage text,
    preview text,
    failure_code word,
    failure_reason text,
    plan text NOT NULL,
    remote text NOT NULL,
    started_at bigint,
    finished_at bigint,
    moved_to bigint,
    seed bigint,
    width bigint,
    height bigint,
    cost bigint,
    metadata text NOT NULL,
    retry_of word,
    key text NOT NULL,
    traceparent text NOT NULL,
    video_key text,
    video_size bigint,
    video_digest text,
    thumbnail_key text,
    thumbnail_size bigint,
    thumbnail_digest text,
    poster_key text,
    poster_size bigint,
    poster_digest text,
    preview_video_key text,
    preview_video_size bigint,
    preview_video_digest text
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX generations_owned ON generations (subscription_id, id);
CREATE INDEX generations_queued ON generations (subscription_id, (coalesce(moved_to, created_at)), sequence, engine)
    WHERE state = 'queued';
CREATE INDEX generations_urgent ON generations (moved_to, subscription_id, engine)
    WHERE state = 'queued' AND moved_to < 0;
CREATE INDEX generations_waiting ON generations (engine, created_at) WHERE state = 'queued';
CREATE INDEX generations_dreaming ON generations (engine, created_at) WHERE state = 'dreaming';
CREATE INDEX generations_finished ON generations (subscription_id, finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX generations_failed ON generations (subscription_id, failure_code, finished_at) WHERE state = 'failed';
CREATE INDEX generations_retries ON generations (retry_of) WHERE retry_of IS NOT NULL;
CREATE INDEX generations_sizes ON generations (video_size, thumbnail_size, poster_size, preview_video_size)
    WHERE video_size IS NOT NULL;

-- One narrow row for each generation that is being rendered: a renewal rewrites nothing else, and touches no index.
CREATE TABLE leases (
    generation_id word PRIMARY KEY,
    attempt bigint NOT NULL,
    lease_until bigint,
    progress double precision NOT NULL,
    stage text,
    preview text,
    watched_until bigint                         -- up to then somebody looks at the previews; NULL: nobody
) WITH (
    fillfactor = 30, autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_threshold = 500,
    autovacuum_vacuum_cost_delay = 0
);

-- Generations as they are: what a lease says of one goes before what its row says.
CREATE VIEW generations_now AS
    SELECT
        g.sequence, g.id, g.subscription_id, g.surface, g.request, g.model, g.resolution, g.video, g.engine,
        g.created_at, g.state, g.attempt, g.failures, g.losses, g.plan, g.remote, g.started_at, g.finished_at,
        g.failure_code, g.failure_reason, g.moved_to, g.seed, g.width, g.height, g.cost, g.metadata, g.retry_of, g.key,
        g.traceparent, g.video_key, g.video_size, g.video_digest, g.thumbnail_key, g.thumbnail_size, g.thumbnail_digest,
        g.poster_key, g.poster_size, g.poster_digest, g.preview_video_key, g.preview_video_size, g.preview_video_digest,
        l.lease_until,
        CASE WHEN l.attempt IS NULL THEN g.progress ELSE l.progress END AS progress,
        CASE WHEN l.attempt IS NULL THEN g.stage ELSE l.stage END AS stage,
        CASE WHEN l.attempt IS NULL THEN g.preview ELSE l.preview END AS preview
    FROM generations g LEFT JOIN leases l ON l.generation_id = g.id;

CREATE TABLE limits (
    subscription_id word PRIMARY KEY REFERENCES subscriptions (id),
    window_started_at bigint NOT NULL,
    window_spent bigint NOT NULL,
    unfinished bigint NOT NULL,
    queued bigint NOT NULL DEFAULT 0,
    waiting bigint NOT NULL DEFAULT 0,
    turn bigint NOT NULL DEFAULT 0,
    turn_since bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
CREATE INDEX limits_waiting ON limits (turn, turn_since, subscription_id) WHERE waiting = 1;

CREATE TABLE quotas (
    subscription_id word NOT NULL REFERENCES subscriptions (id),
    period word NOT NULL,                        -- 2026-11
    video_spent bigint NOT NULL,
    PRIMARY KEY (subscription_id, period)
) WITH (fillfactor = 50);

CREATE TABLE virtual_clock (
    "only" bigint PRIMARY KEY CHECK ("only" = 1),
    time bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO virtual_clock VALUES (1, 0);

CREATE TABLE idempotency_keys (
    subscription_id word NOT NULL REFERENCES subscriptions (id),
    key word NOT NULL,
    body_digest bytea NOT NULL,
    generation_id word NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (subscription_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
CREATE INDEX idempotency_keys_by_generation ON idempotency_keys (generation_id);

CREATE TABLE recent_submits (
    span bigint NOT NULL,
    subscription_id word NOT NULL,
    body_digest bytea NOT NULL,
    generation_id word NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (span, subscription_id, body_digest)
);

CREATE TABLE line_lengths (
    subscription_id word NOT NULL,
    engine word NOT NULL,
    queued bigint NOT NULL,
    video bigint NOT NULL,                       -- microseconds
    PRIMARY KEY (subscription_id, engine)
) WITH (fillfactor = 50);

CREATE TABLE line_parts (
    subscription_id word NOT NULL,
    engine word NOT NULL,
    part bigint NOT NULL,
    queued bigint NOT NULL,
    video bigint NOT NULL,
    PRIMARY KEY (subscription_id, engine, part)
) WITH (fillfactor = 50);

CREATE TABLE attempts (
    generation_id word NOT NULL REFERENCES generations (id),
    number bigint NOT NULL,
    engine word NOT NULL,
    worker word NOT NULL,
    started_at bigint NOT NULL,
    ended_at bigint,
    outcome text,
    reason text,
    PRIMARY KEY (generation_id, number)
);
CREATE INDEX attempts_ended ON attempts (ended_at, started_at, outcome) WHERE ended_at IS NOT NULL;

CREATE TABLE render_times (
    engine word NOT NULL,
    model word NOT NULL,
    resolution word NOT NULL,
    length bigint NOT NULL,                      -- whole seconds
    renders bigint NOT NULL,
    seconds double precision NOT NULL,
    PRIMARY KEY (engine, model, resolution, length)
);

CREATE TABLE list_entries (
    subscription_id word NOT NULL,
    generation_id word NOT NULL,
    created_at bigint NOT NULL,
    state word NOT NULL,
    model word NOT NULL,
    metadata text NOT NULL,
    text text NOT NULL,
    PRIMARY KEY (subscription_id, generation_id)
);
CREATE INDEX list_entries_by_state ON list_entries (subscription_id, state, generation_id);

CREATE TABLE links (
    id word PRIMARY KEY,
    subscription_id word NOT NULL,
    generation_id word NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL
);
CREATE INDEX links_of_generations ON links (generation_id, created_at);
CREATE INDEX links_by_expiry ON links (expires_at);

CREATE TABLE deliveries (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- the order in which they were caused
    id word NOT NULL UNIQUE,
    generation_id word NOT NULL REFERENCES generations (id),
    subscription_id word NOT NULL,
    announces text NOT NULL,
    url text NOT NULL,
    endpoint word NOT NULL,
    due_at bigint NOT NULL,
    attempts bigint NOT NULL,
    state word NOT NULL,
    last_answer text,
    replays bigint NOT NULL
);
CREATE INDEX deliveries_by_generation ON deliveries (generation_id);
CREATE INDEX deliveries_pending ON deliveries (endpoint, due_at, sequence) WHERE state = 'pending';
CREATE INDEX deliveries_owned ON deliveries (subscription_id, state, sequence);

CREATE TABLE delivery_attempts (
    delivery_id word NOT NULL REFERENCES deliveries (id),
    replay bigint NOT NULL,                      -- 0: the first chain
    number bigint NOT NULL,                      -- within the chain, from 1
    started_at bigint NOT NULL,
    duration bigint NOT NULL,                    -- microseconds
    status bigint,
    reason text,                                 -- where there was no status
    PRIMARY KEY (delivery_id, replay, number)
);

CREATE TABLE removals (
    generation_id word PRIMARY KEY,
    deleted_at bigint NOT NULL
);
CREATE INDEX removals_by_age ON removals (deleted_at);

CREATE TABLE uploads (
    id word PRIMARY KEY,
    subscription_id word NOT NULL REFERENCES subscriptions (id),
    key text NOT NULL,
    size bigint NOT NULL,
    expires_at bigint NOT NULL
);
CREATE UNIQUE INDEX uploads_owned ON uploads (subscription_id, id) INCLUDE (size);
CREATE INDEX uploads_by_expiry ON uploads (expires_at);

CREATE TABLE queue_controls (
    scope word NOT NULL,
    name word NOT NULL,
    state text NOT NULL,
    since bigint NOT NULL,
    actor text NOT NULL,
    PRIMARY KEY (scope, name)
);

CREATE TABLE actions (
    id word PRIMARY KEY,
    at bigint NOT NULL,
    actor text NOT NULL,
    name text NOT NULL,
    target text NOT NULL,
    details text NOT NULL,
    request_id text NOT NULL,
    refused text
);

CREATE TABLE processes (
    id word PRIMARY KEY,
    role text NOT NULL,                          -- server or worker
    host text NOT NULL,
    pid bigint NOT NULL,
    version text NOT NULL,
    schema bigint NOT NULL DEFAULT 0,            -- the newest that its code knows
    started_at bigint NOT NULL,
    seen_at bigint NOT NULL,
    able bigint NOT NULL,                        -- 1: some lane can make clips
    engines text NOT NULL,
    lanes text NOT NULL
) WITH (fillfactor = 50);
-- None on seen_at: a heartbeat is to touch no index.
CREATE INDEX processes_servers ON processes (id) WHERE role = 'server';

-- Background work that one process of all does at a time. `term` counts the holders of a duty and only grows.
CREATE TABLE duties (
    name word PRIMARY KEY,
    holder text NOT NULL,
    until bigint NOT NULL,                       -- 0: free
    term bigint NOT NULL
) WITH (fillfactor = 50);

-- Reads of a subscription over all servers, in its present window. No row outlives its window by much.
CREATE UNLOGGED TABLE read_windows (
    subscription_id word PRIMARY KEY,
    ends_at bigint NOT NULL,
    spent bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE metrics (
    name word NOT NULL,
    labels word NOT NULL,                        -- a JSON array of the labels' values
    value double precision NOT NULL,
    PRIMARY KEY (name, labels)
) WITH (fillfactor = 50);

CREATE TABLE model_wishes (
    engine word PRIMARY KEY,
    wish text NOT NULL,
    at bigint NOT NULL,
    actor text NOT NULL
);

CREATE TABLE model_holdings (
    worker word NOT NULL,
    lane word NOT NULL,
    engine word NOT NULL,
    state text NOT NULL,
    reason text,
    told_at bigint NOT NULL,
    PRIMARY KEY (worker, lane, engine)
);
CREATE INDEX model_holdings_told ON model_holdings (told_at);

CREATE TABLE pulls (
    model word PRIMARY KEY,
    state text NOT NULL,
    there bigint NOT NULL,
    total bigint,
    began_with bigint NOT NULL,
    started_at bigint,
    told_at bigint,
    error text
);

CREATE TABLE usage_days (
    subscription_id word NOT NULL REFERENCES subscriptions (id),
    day word NOT NULL,                           -- 2026-11-29
    model word NOT NULL,
    key word NOT NULL,
    generations bigint NOT NULL,
    completed bigint NOT NULL,
    failed bigint NOT NULL,
    video bigint NOT NULL,                       -- microseconds
    cost bigint NOT NULL,
    PRIMARY KEY (subscription_id, day, model, key)
) WITH (fillfactor = 50);
CREATE INDEX usage_by_day ON usage_days (day);

-- Every change of what a key or a session finds counts, so that no change is forgotten.
CREATE FUNCTION count_access() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE access_version SET version = version + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER products_changed AFTER UPDATE OR DELETE ON products FOR EACH ROW EXECUTE FUNCTION count_access();
CREATE TRIGGER subscriptions_changed AFTER UPDATE OR DELETE ON subscriptions
    FOR EACH ROW EXECUTE FUNCTION count_access();
CREATE TRIGGER sessions_changed AFTER UPDATE OR DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION count_access();
CREATE TRIGGER keys_changed AFTER UPDATE OF digest, slot, subscription_id, expires_at OR DELETE ON keys
    FOR EACH ROW EXECUTE FUNCTION count_access();

-- Lengths of the lines, and of their parts: who changes them holds the subscription's row of `limits`.
CREATE FUNCTION add_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO line_lengths AS l
        SELECT subscription_id, engine, count(*), sum(video) FROM added
        WHERE state = 'queued' GROUP BY subscription_id, engine
        ON CONFLICT (subscription_id, engine)
        DO UPDATE SET queued = l.queued + excluded.queued, video = l.video + excluded.video;
    INSERT INTO line_parts AS p
        SELECT subscription_id, engine, created_at >> 26, count(*), sum(video) FROM added
        WHERE state = 'queued' GROUP BY subscription_id, engine, created_at >> 26
        ON CONFLICT (subscription_id, engine, part)
        DO UPDATE SET queued = p.queued + excluded.queued, video = p.video + excluded.video;
    RETURN NULL;
END $$;
CREATE TRIGGER line_submitted AFTER INSERT ON generations
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION add_lines();

CREATE FUNCTION leave_line() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_part CONSTANT bigint := coalesce(old.moved_to, old.created_at) >> 26;
    still_queued bigint;
BEGIN
    UPDATE line_lengths SET queued = queued - 1, video = video - old.video
        WHERE subscription_id = old.subscription_id AND engine = old.engine RETURNING queued INTO still_queued;
    IF still_queued < 1 THEN
        DELETE FROM line_lengths WHERE subscription_id = old.subscription_id AND engine = old.engine;
    END IF;
    UPDATE line_parts SET queued = queued - 1, video = video - old.video
        WHERE subscription_id = old.subscription_id AND engine = old.engine AND part = of_part
        RETURNING queued INTO still_queued;
    IF still_queued < 1 THEN
        DELETE FROM line_parts
            WHERE subscription_id = old.subscription_id AND engine = old.engine AND part = of_part;
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION join_line() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO line_lengths AS l VALUES (new.subscription_id, new.engine, 1, new.video)
        ON CONFLICT (subscription_id, engine)
        DO UPDATE SET queued = l.queued + 1, video = l.video + excluded.video;
    INSERT INTO line_parts AS p
        VALUES (new.subscription_id, new.engine, coalesce(new.moved_to, new.created_at) >> 26, 1, new.video)
        ON CONFLICT (subscription_id, engine, part)
        DO UPDATE SET queued = p.queued + 1, video = p.video + excluded.video;
    RETURN NULL;
END $$;
CREATE TRIGGER line_left AFTER UPDATE OF state, engine, moved_to ON generations FOR EACH ROW
    WHEN (old.state = 'queued' AND coalesce(old.moved_to, 0) >= 0 AND (
        new.state <> 'queued' OR new.engine <> old.engine OR new.moved_to IS DISTINCT FROM old.moved_to
    )) EXECUTE FUNCTION leave_line();
CREATE TRIGGER line_joined AFTER UPDATE OF state, engine, moved_to ON generations FOR EACH ROW
    WHEN (new.state = 'queued' AND coalesce(new.moved_to, 0) >= 0 AND (
        old.state <> 'queued' OR new.engine <> old.engine OR new.moved_to IS DISTINCT FROM old.moved_to
    )) EXECUTE FUNCTION join_line();
CREATE TRIGGER line_removed AFTER DELETE ON generations FOR EACH ROW
    WHEN (old.state = 'queued' AND coalesce(old.moved_to, 0) >= 0) EXECUTE FUNCTION leave_line();

-- A claim takes two messages, each with one of these functions: their plans stay, where those of a message are made anew.
-- The clock is held first, and each statement after it sees all that was committed before.
-- Engines are meant under the controls that the asker knows: with other ones nothing is looked for.
CREATE FUNCTION next_claim(asked jsonb) RETURNS text LANGUAGE plpgsql SET enable_sort = off AS $$
DECLARE
    virtual_time bigint;
    present text;
    passed_over CONSTANT text[] := ARRAY(SELECT jsonb_array_elements_text(asked -> 'passed_over'));
    named CONSTANT text[] := ARRAY(SELECT jsonb_array_elements_text(asked -> 'named'));
    others CONSTANT bigint := asked -> 'others';
    within CONSTANT word := asked ->> 'within';
    made json;
    owned_by word;
    is_urgent boolean := false;
    line json;
BEGIN
    SELECT v.time INTO virtual_time FROM virtual_clock v WHERE v."only" = 1 FOR NO KEY UPDATE;
    SELECT coalesce(json_agg(json_build_array(q.scope, q.name, q.state, q.since, q.actor) ORDER BY q.scope, q.name), '[]')
        INTO present FROM queue_controls q;
    IF present <> asked ->> 'controls' OR (others = 0 AND named = '{}') THEN
        RETURN json_build_array(present, virtual_time, is_urgent, made, line);
    END IF;
    IF within IS NOT NULL AND (
        SELECT count(*) FROM generations g WHERE g.state = 'dreaming' AND g.engine = within
    ) >= CAST(asked -> 'most' AS bigint) THEN
        RETURN json_build_array(present, virtual_time, is_urgent, made, line);
    END IF;
    -- A row that another transaction holds is about to leave the queue: nobody waits for it.
    -- As an integer the planner takes a condition for true of nearly all rows, and walks the queue in its order.
    IF EXISTS (SELECT 1 FROM generations g WHERE g.state = 'queued' AND g.moved_to < 0) THEN
        SELECT row_to_json(g), g.subscription_id INTO made, owned_by FROM generations g
            WHERE g.state = 'queued' AND g.moved_to < 0 AND g.subscription_id <> ALL (passed_over)
                AND CAST(g.engine = ANY (named) AS integer) <> others
            ORDER BY g.moved_to LIMIT 1
            FOR NO KEY UPDATE OF g SKIP LOCKED;
        is_urgent := FOUND;
    END IF;
    -- Subscriptions are walked in the order of their turns. The first with a row that is free is the last looked at.
    IF NOT is_urgent THEN
        SELECT found.made, turns.owner INTO made, owned_by FROM (
            SELECT l.subscription_id AS owner FROM limits l
            WHERE l.waiting = 1 AND l.subscription_id <> ALL (passed_over)
            ORDER BY l.turn, l.turn_since, l.subscription_id
        ) AS turns CROSS JOIN LATERAL (
            SELECT row_to_json(g) AS made FROM generations g
            WHERE g.state = 'queued' AND g.subscription_id = turns.owner
                AND CAST(g.engine = ANY (named) AS integer) <> others
            ORDER BY coalesce(g.moved_to, g.created_at), g.sequence LIMIT 1
            FOR NO KEY UPDATE OF g SKIP LOCKED
        ) AS found LIMIT 1;
    END IF;
    -- Submits hold the lines of several subscriptions in the order of their ids. A claim that waits for a second line, in
    -- the order of turns, may wait for a submit that waits for the first.
    IF CAST(asked -> 'may_wait' AS boolean) THEN
        SELECT json_build_array(l.queued, l.turn, l.turn_since) INTO line
            FROM limits l WHERE l.subscription_id = owned_by FOR NO KEY UPDATE;
    ELSE
        SELECT json_build_array(l.queued, l.turn, l.turn_since) INTO line
            FROM limits l WHERE l.subscription_id = owned_by FOR NO KEY UPDATE SKIP LOCKED;
    END IF;
    RETURN json_build_array(present, virtual_time, is_urgent, made, line);
END $$;

CREATE FUNCTION keep_claim(given json) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    c record;
BEGIN
    SELECT * INTO c FROM json_to_record(given) AS (
        id text, owner text, fence bigint, engine text, remote text, state text, attempt bigint, failures bigint,
        losses bigint, progress double precision, lease_until bigint, failure_code text, failure_reason text, plan text,
        finished_at bigint, preview text, started_at bigint, stage text, seed bigint, width bigint, height bigint,
        cost bigint, worker text, began_at bigint, queued bigint, turn bigint, turn_since bigint, virtual_time bigint,
        deliveries json
    );
    UPDATE generations g SET
        engine = c.engine, remote = c.remote, state = c.state, attempt = c.attempt, failures = c.failures,
        losses = c.losses, progress = c.progress, failure_code = c.failure_code, failure_reason = c.failure_reason,
        plan = c.plan, finished_at = c.finished_at, preview = c.preview, started_at = c.started_at, stage = c.stage,
        seed = c.seed, width = c.width, height = c.height, cost = c.cost
        WHERE g.id = c.id AND g.attempt = c.fence;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% is past attempt %', c.id, c.fence;
    END IF;
    INSERT INTO leases (generation_id, attempt, lease_until, progress, stage, preview)
        VALUES (c.id, c.attempt, c.lease_until, c.progress, c.stage, c.preview);
    INSERT INTO attempts (generation_id, number, engine, worker, started_at)
        VALUES (c.id, c.attempt, c.engine, c.worker, c.began_at);
    UPDATE list_entries e SET state = c.state WHERE e.subscription_id = c.owner AND e.generation_id = c.id;
    UPDATE limits l SET queued = c.queued, waiting = least(1, c.queued), turn = c.turn, turn_since = c.turn_since
        WHERE l.subscription_id = c.owner;
    UPDATE virtual_clock v SET time = c.virtual_time WHERE v."only" = 1 AND v.time <> c.virtual_time;
    IF json_array_length(c.deliveries) > 0 THEN
        INSERT INTO deliveries (
            id, generation_id, subscription_id, announces, url, endpoint, due_at, attempts, state, last_answer, replays
        )
        SELECT d.id, d.generation_id, d.subscription_id, d.announces, d.url, d.endpoint, d.due_at, d.attempts, d.state,
            d.last_answer, d.replays
        FROM json_populate_recordset(CAST(NULL AS deliveries), c.deliveries) AS d
        ON CONFLICT (id) DO NOTHING;
    END IF;
END $$;
