"""Statements of claims. Those that come together take the virtual clock once, and find generations one by one."""

from typing import Final

from stillmotion.adapters.store.postgresql.queries.own import CHANGED
from stillmotion.adapters.store.sql.queries.columns import GENERATION

_CONTROLS: Final = (
    "(SELECT coalesce(json_agg(json_build_array(scope, name, state, since, actor)), '[]') FROM queue_controls)"
)

LOOK: Final = f"""
    WITH RECURSIVE engines (name) AS (
        SELECT min(engine) FROM generations WHERE state = 'queued'
        UNION ALL
        SELECT (SELECT min(engine) FROM generations WHERE state = 'queued' AND engine > name)
        FROM engines WHERE name IS NOT NULL
    )
    SELECT {_CONTROLS}, (SELECT coalesce(json_agg(name), '[]') FROM engines WHERE name IS NOT NULL)
"""
"""The queue's controls, and the engines that something waits for: a walk from engine to engine, however long they are.

Mostly the queue is empty: this look spares the transaction then.
"""

HOLD_CLOCK: Final = 'SELECT time FROM virtual_clock WHERE "only" = 1 FOR NO KEY UPDATE'
"""Claims, moves and pauses hold the clock."""

UNDER_CLOCK: Final = f"""
    SELECT {_CONTROLS}, EXISTS (SELECT 1 FROM generations WHERE state = 'queued' AND moved_to < 0)
"""
"""The queue's controls, and true where an operator moved something to the front. Both stay while the clock is held.

In one message with `HOLD_CLOCK`: it begins once that has its row, and so sees all that was committed before.
"""

# What waits has no lease. A row that another transaction holds is about to leave the queue: nobody waits for it.
_QUEUED: Final = GENERATION.replace("g.lease_until", "CAST(NULL AS bigint)")
_NAMES: Final = "(ARRAY(SELECT jsonb_array_elements_text(CAST(? AS jsonb))))"
# As an integer the planner takes it for true of nearly all rows, and walks the queue in its order.
_MEANT: Final = f"CAST(g.engine = ANY {_NAMES} AS integer) <> ?"

NEXT_QUEUED: Final = f"""
    SELECT found.* FROM (
        SELECT l.subscription_id AS owner FROM limits l WHERE l.waiting = 1 AND l.subscription_id <> ALL {_NAMES}
        ORDER BY l.turn, l.turn_since, l.subscription_id
    ) AS turns CROSS JOIN LATERAL (
        SELECT {_QUEUED} FROM generations g
        WHERE g.state = 'queued' AND g.subscription_id = turns.owner AND {_MEANT}
        ORDER BY coalesce(g.moved_to, g.created_at), g.sequence LIMIT 1
        FOR NO KEY UPDATE OF g SKIP LOCKED
    ) AS found LIMIT 1
"""
"""The longest waiting generation of the subscription whose turn it is, among those with work for these engines.

Bindings: the subscriptions to pass over, then the engines. Subscriptions are walked in the order of their turns, and
the first with a row that is free is the last one looked at.
"""

NEXT_URGENT: Final = f"""
    SELECT {_QUEUED} FROM generations g
    WHERE g.state = 'queued' AND g.moved_to < 0 AND g.subscription_id <> ALL {_NAMES} AND {_MEANT}
    ORDER BY g.moved_to LIMIT 1
    FOR NO KEY UPDATE OF g SKIP LOCKED
"""

HOLD_LINE: Final = "SELECT queued, turn, turn_since FROM limits WHERE subscription_id = :owner FOR NO KEY UPDATE"

TAKE_LINE: Final = f"{HOLD_LINE} SKIP LOCKED"
"""The same without a wait: no row where another transaction holds it.

Submits hold the lines of several subscriptions in the order of their ids. A claim that waits for a second line, in the
order of turns, may wait for a submit that waits for the first.
"""

_DELIVERY: Final = (
    "id, generation_id, subscription_id, announces, url, endpoint, due_at, attempts, state, last_answer, replays"
)

KEEP_CLAIM: Final = f"""
    WITH {CHANGED}, begun AS (
        INSERT INTO attempts (generation_id, number, engine, worker, started_at)
        SELECT id, attempt, engine, :worker, CAST(:began_at AS bigint) FROM changed
    ), entry AS (
        UPDATE list_entries SET state = :state WHERE subscription_id = :owner AND generation_id = :id
    ), moved AS (
        UPDATE limits SET
            queued = CAST(:queued AS bigint), waiting = least(1, CAST(:queued AS bigint)), turn = :turn,
            turn_since = :turn_since
        WHERE subscription_id = :owner
    ), passed AS (
        UPDATE virtual_clock SET time = :time WHERE "only" = 1 AND time <> :time
    ), caused AS (
        INSERT INTO deliveries ({_DELIVERY})
        SELECT {_DELIVERY} FROM json_populate_recordset(CAST(NULL AS deliveries), CAST(:deliveries AS json))
        ON CONFLICT (id) DO NOTHING
    )
    SELECT 1 FROM changed
"""
"""All that a claim changes."""
