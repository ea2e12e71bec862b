"""Statements of the queue: whose turn it is, who waits, which leases have ended."""

from typing import Final

from stillmotion.adapters.store.sql.queries.columns import GENERATION

_MEANT: Final = "({0}.engine IN (SELECT value FROM json_each(?))) <> ?"
"""Condition: the generation is for an engine in the JSON array, or, with 1, for an engine outside it."""

NEXT_QUEUED: Final = f"""
    SELECT {GENERATION} FROM generations g
    WHERE g.state = 'queued' AND g.subscription_id = (
        SELECT l.subscription_id FROM limits l
        WHERE l.waiting = 1 AND l.subscription_id NOT IN (SELECT value FROM json_each(?)) AND EXISTS (
            SELECT 1 FROM generations w
            WHERE w.state = 'queued' AND w.subscription_id = l.subscription_id AND {_MEANT.format("w")}
        )
        ORDER BY l.turn, l.turn_since, l.subscription_id LIMIT 1
    ) AND {_MEANT.format("g")}
    ORDER BY coalesce(g.moved_to, g.created_at), g.sequence LIMIT 1
"""
"""The longest waiting generation of the subscription whose turn it is, among those with work for these engines.

Bindings: the subscriptions to pass over, then the engines twice. The index holds engines: no other rows are read.
"""

NEXT_URGENT: Final = f"""
    SELECT {GENERATION} FROM generations g
    WHERE g.state = 'queued' AND g.moved_to < 0 AND g.subscription_id NOT IN (SELECT value FROM json_each(?))
        AND {_MEANT.format("g")}
    ORDER BY g.moved_to LIMIT 1
"""
"""The generation that an operator moved to the front, the last moved first. Mostly there is none.

Bindings: as of `NEXT_QUEUED`, with the engines once.
"""

QUEUED_FOR: Final = "SELECT id FROM generations WHERE state = 'queued' AND engine = ?"

FIND_LINE: Final = """
    SELECT v.time, l.queued, l.turn, l.turn_since
    FROM virtual_clock v LEFT JOIN limits l ON l.subscription_id = ?
    WHERE v.only = 1
"""
"""Always one row. All but the clock is NULL for a subscription that never submitted."""

MOVE_LINE: Final = """
    UPDATE limits SET queued = :queued, waiting = :queued > 0, turn = :turn, turn_since = :turn_since
    WHERE subscription_id = :subscription_id
"""

VIRTUAL_TIME: Final = "SELECT time FROM virtual_clock WHERE only = 1"

SET_VIRTUAL_CLOCK: Final = "UPDATE virtual_clock SET time = ? WHERE only = 1"

LEASED: Final = """
    SELECT id FROM generations
    WHERE state = 'dreaming' AND lease_until <= ? ORDER BY lease_until, sequence
"""

LEASED_OF: Final = "SELECT count(*) FROM generations WHERE state = 'dreaming' AND engine = ?"
"""Reads the leased generations alone."""

COUNT_UNDER_WAY: Final = """
    SELECT 'queued', count(*) FROM generations WHERE state = 'queued'
    UNION ALL
    SELECT 'dreaming', count(*) FROM generations WHERE state = 'dreaming'
"""
"""Each count reads its partial index alone: finished generations cost nothing."""
