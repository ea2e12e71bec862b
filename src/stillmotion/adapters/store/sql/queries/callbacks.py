"""Statements of callbacks: deliveries and their attempts."""

from typing import Final

from stillmotion.adapters.store.sql.queries.columns import GENERATION

DELIVERY: Final = (
    "d.id, d.generation_id, d.announces, d.url, d.due_at, d.attempts, d.state, d.last_answer, d.replays, d.endpoint, "
    "coalesce(d.created_at, d.due_at) AS created_at"
)
_ATTEMPT: Final = "replay, number, started_at, duration, status, reason"

CAUSE_DELIVERY: Final = """
    INSERT INTO deliveries (
        id, generation_id, subscription_id, announces, url, endpoint, due_at, attempts, state, last_answer, replays,
        created_at
    )
    VALUES (
        :id, :generation_id, :subscription_id, :announces, :url, :endpoint, :due_at, :attempts, :state, :last_answer,
        :replays, :created_at
    )
    ON CONFLICT (id) DO NOTHING
"""
"""A state is announced once: the id is made of generation and state."""

RECORD_DELIVERY: Final = """
    UPDATE deliveries SET due_at = :due_at, attempts = :attempts, state = :state, last_answer = :last_answer
    WHERE id = :id AND replays = :replays AND state = 'pending' AND (attempts < :attempts OR :state = 'delivered')
"""
"""Changes no row that was replayed since, or that another process is further with. The rule is `Delivery.takes`."""

RECORD_ATTEMPT: Final = f"""
    INSERT INTO delivery_attempts (delivery_id, {_ATTEMPT})
    SELECT :delivery_id, :replay, :number, :started_at, :duration, :status, :reason
    WHERE EXISTS (SELECT 1 FROM deliveries WHERE id = :delivery_id)
    ON CONFLICT DO NOTHING
"""
"""Inserts nothing for a deleted delivery."""

PENDING_ENDPOINTS: Final = """
    RECURSIVE endpoints (name) AS (
        SELECT min(endpoint) FROM deliveries WHERE state = 'pending'
        UNION ALL
        SELECT (SELECT min(endpoint) FROM deliveries WHERE state = 'pending' AND endpoint > name)
        FROM endpoints WHERE name IS NOT NULL
    )
"""

DUE_DELIVERIES: Final = f"""
    WITH {PENDING_ENDPOINTS}
    SELECT {DELIVERY} FROM endpoints CROSS JOIN deliveries d ON d.sequence IN (
        SELECT sequence FROM deliveries
        WHERE state = 'pending' AND endpoint = name AND due_at <= ? ORDER BY due_at, sequence LIMIT ?
    )
"""
"""Walks the index from line to line (`Delivery.line`), and takes a few of each, independent of its length."""

FIND_DUE_DELIVERY: Final = f"""
    SELECT s.callback_secret, s.retired_secret, s.retired_secret_until, {DELIVERY}, {GENERATION}
    FROM deliveries d
    JOIN generations g ON g.id = d.generation_id
    JOIN subscriptions s ON s.id = g.subscription_id
    WHERE d.id = ? AND d.state = 'pending'
"""

FIND_DELIVERY: Final = f"SELECT {DELIVERY} FROM deliveries d WHERE d.id = ?"

DELIVERIES_OF_GENERATION: Final = f"""
    SELECT {DELIVERY} FROM deliveries d WHERE d.generation_id = ? ORDER BY d.sequence
"""

OWNED_DELIVERIES: Final = f"""
    SELECT d.sequence, {DELIVERY}, {GENERATION}
    FROM deliveries d INDEXED BY deliveries_owned CROSS JOIN generations g ON g.id = d.generation_id
    WHERE d.subscription_id = ? AND d.state = ? AND d.sequence < ? ORDER BY d.sequence DESC LIMIT ?
"""
"""Those of one state, the latest first: the index has them in this order."""

EVERYBODYS_DELIVERIES: Final = f"""
    SELECT d.subscription_id, {DELIVERY} FROM deliveries d
    WHERE d.sequence < ? AND d.state IN (SELECT value FROM json_each(?)) ORDER BY d.sequence DESC LIMIT ?
"""
"""Walks rows from the latest on, until there are enough."""

PLACE_OF_ANYBODYS_DELIVERY: Final = "SELECT sequence FROM deliveries WHERE id = ?"

PLACE_OF_DELIVERY: Final = "SELECT sequence FROM deliveries WHERE subscription_id = ? AND id = ?"

ATTEMPTS_OF_DELIVERY: Final = f"SELECT {_ATTEMPT} FROM delivery_attempts WHERE delivery_id = ? ORDER BY replay, number"

REPLAY_DELIVERY: Final = """
    UPDATE deliveries SET due_at = :due_at, attempts = :attempts, state = :state, replays = :replays WHERE id = :id
"""
