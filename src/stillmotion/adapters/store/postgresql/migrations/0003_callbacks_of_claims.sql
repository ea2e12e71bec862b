-- Keeps the callbacks that a claim causes, with all of their columns. `keep_claim` knows those of the first schema.
CREATE FUNCTION keep_callbacks(given json) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO deliveries (
        id, generation_id, subscription_id, announces, url, endpoint, due_at, attempts, state, last_answer, replays,
        created_at
    )
    SELECT d.id, d.generation_id, d.subscription_id, d.announces, d.url, d.endpoint, d.due_at, d.attempts, d.state,
        d.last_answer, d.replays, d.created_at
    FROM json_populate_recordset(CAST(NULL AS deliveries), given) AS d
    ON CONFLICT (id) DO NOTHING;
END $$;
