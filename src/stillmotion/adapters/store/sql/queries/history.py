"""Statements of an owner's history: lists, some put together from a filter, failures, links to clips."""

from typing import Final

from stillmotion.adapters.store.sql.queries.generations import VIEW
from stillmotion.application.ports.lists import Filter
from stillmotion.domain import lifecycle

INSERT_ENTRY: Final = """
    INSERT INTO list_entries (subscription_id, generation_id, sequence, created_at, state, model, metadata, text)
    VALUES (:subscription_id, :id, :sequence, :created_at, :state, :model, :metadata, :text)
"""

MOVE_ENTRY: Final = "UPDATE list_entries SET state = ? WHERE subscription_id = ? AND generation_id = ?"

EDIT_ENTRY: Final = """
    UPDATE list_entries SET metadata = :metadata, text = :text
    WHERE subscription_id = :subscription_id AND generation_id = :id
"""

EDIT_GENERATION: Final = "UPDATE generations SET request = :request, metadata = :metadata WHERE id = :id"

DELETE_ENTRY: Final = "DELETE FROM list_entries WHERE subscription_id = ? AND generation_id = ?"

_VIEW: Final = "g." + VIEW.replace(", ", ", g.")
ENDED_SINCE: Final = f"""
    SELECT {VIEW} FROM generations INDEXED BY generations_finished
    WHERE subscription_id = ? AND finished_at IS NOT NULL AND finished_at >= ? ORDER BY finished_at LIMIT ?
"""

COUNT_FAILURES: Final = """
    SELECT failure_code, count(*) FROM generations INDEXED BY generations_failed
    WHERE subscription_id = ? AND state = 'failed' AND finished_at >= ? GROUP BY failure_code
"""
"""Reads the index of failures alone."""

LATEST_FAILURE: Final = """
    SELECT id, finished_at, failure_reason FROM generations INDEXED BY generations_failed
    WHERE subscription_id = ? AND state = 'failed' AND failure_code = ? ORDER BY finished_at DESC LIMIT 1
"""

UNRETRIED: Final = """
    SELECT g.id FROM generations g INDEXED BY generations_failed
    WHERE g.subscription_id = ? AND g.state = 'failed' AND g.failure_code = ? AND g.finished_at >= ?
        AND NOT EXISTS (SELECT 1 FROM generations r WHERE r.retry_of = g.id AND r.retry_of IS NOT NULL)
    ORDER BY g.finished_at DESC LIMIT ?
"""

_LINK: Final = "l.id, l.subscription_id, l.generation_id, l.created_at, l.expires_at"

INSERT_LINK: Final = """
    INSERT INTO links (id, subscription_id, generation_id, created_at, expires_at)
    VALUES (:id, :subscription_id, :generation_id, :created_at, :expires_at)
"""

COUNT_LINKS: Final = "SELECT count(*) FROM links WHERE generation_id = ?"
LINKS_OF_GENERATION: Final = f"SELECT {_LINK} FROM links l WHERE l.generation_id = ? ORDER BY l.created_at"
DELETE_LINK: Final = "DELETE FROM links WHERE id = ? AND generation_id = ?"
DELETE_LINKS: Final = "DELETE FROM links WHERE generation_id = ?"
SWEEP_LINKS: Final = "DELETE FROM links WHERE expires_at < ?"
"""Runs with each new link."""

LINKED_CLIP: Final = f"""
    SELECT {_LINK}, g.video_key, g.thumbnail_key,
        s.state = ? AND (s.expires_at IS NULL OR s.expires_at > ?)
    FROM links l JOIN generations g ON g.id = l.generation_id JOIN subscriptions s ON s.id = l.subscription_id
    WHERE l.id = ?
"""

_OWNED: Final = "subscription_id = :owner AND generation_id >= :low AND generation_id < :high"
_BY_STATE: Final = "list_entries INDEXED BY list_entries_by_state"


def goes_by_state(chosen: Filter) -> bool:
    """True if the index of states leads to the entries: for states alone, or for those of the few unfinished ones."""
    return bool(chosen.states) and (not chosen.looks_into_entries or not chosen.states & lifecycle.TERMINAL)


def page(chosen: Filter, *, newest_first: bool) -> str:
    """Statement of a page of views. The narrow entries are walked, then the rows of those found are read.

    A walk by states has a branch for each state, none of which reads more than `:reach` entries.
    """
    order = f"ORDER BY generation_id {'DESC' if newest_first else 'ASC'}"
    conditions = " AND ".join((_OWNED, *_conditions(chosen)))
    if goes_by_state(chosen):
        branches = " UNION ALL ".join(
            f"SELECT * FROM (SELECT generation_id, sequence FROM {_BY_STATE} "
            f"WHERE {conditions} AND state = :state{number} {order} LIMIT :reach) AS branch"
            for number in range(len(chosen.states))
        )
        found = f"SELECT generation_id, sequence FROM ({branches}) AS branches"
    else:
        # The sign keeps SQLite from the index of states, which would have it look each text up.
        states = ", ".join(f":state{number}" for number in range(len(chosen.states)))
        found = f"SELECT generation_id, sequence FROM list_entries WHERE {conditions}"
        found += f" AND +state IN ({states})" if states else ""
    return f"""
        SELECT {_VIEW} FROM ({found} {order} LIMIT :limit OFFSET :offset) AS found
        CROSS JOIN generations g USING (sequence) {order}
    """


def count(chosen: Filter) -> str:
    """Statement of the number of a filter's generations, `:most` at most, from an index alone."""
    if not chosen.states:
        owned = _OWNED.replace("generation_id", "id")
        found = f"SELECT 1 FROM generations INDEXED BY generations_owned WHERE {owned}"
    else:
        found = " UNION ALL ".join(
            f"SELECT 1 FROM {_BY_STATE} WHERE {_OWNED} AND state = :state{number}"
            for number in range(len(chosen.states))
        )
    return f"SELECT count(*) FROM (SELECT 1 FROM ({found}) AS found LIMIT :most) AS counted"


def _conditions(chosen: Filter) -> list[str]:
    """Conditions on single entries."""
    asked = {
        "model = :model": chosen.model,
        "(instr(text, :search) OR instr(generation_id, :search))": chosen.search,
        "created_at >= :created_after": chosen.created_after,
        "created_at < :created_before": chosen.created_before,
    }
    pairs = [f"instr(metadata, :pair{number})" for number in range(len(chosen.metadata))]
    return [*(condition for condition, value in asked.items() if value), *pairs]
