"""Statements of everybody's generations, put together from a filter, and of places in line."""

from collections.abc import Sequence
from typing import Final

from stillmotion.adapters.store.sql.queries.columns import GENERATION
from stillmotion.application.ports.administration import EverybodysFilter

_SEARCHED: Final = """EXISTS (
    SELECT 1 FROM list_entries e WHERE e.subscription_id = g.subscription_id AND e.generation_id = g.id
        AND (instr(e.text, :search) OR instr(e.generation_id, :search))
)"""
_WORKED_ON: Final = """g.id IN (
    SELECT generation_id FROM attempts
    WHERE worker = :worker OR (worker >= :processes AND worker < :beyond_processes)
)"""
_STATES: Final = "g.state IN (SELECT value FROM json_each(:states))"

FRONT_OF_LINE: Final = "SELECT min(moved_to) FROM generations WHERE state = 'queued' AND moved_to < 0"
MOVE_TO: Final = "UPDATE generations SET moved_to = ? WHERE id = ?"


def page(asked: EverybodysFilter, *, newest_first: bool) -> str:
    """Statement of a page. Rows are walked in the order of ids, which stops as soon as the page is full."""
    order = "DESC" if newest_first else "ASC"
    where = " AND ".join(("g.id > :low", "g.id < :high", *_conditions(asked)))
    return f"SELECT {GENERATION} FROM generations g WHERE {where} ORDER BY g.id {order} LIMIT :limit"


def count(asked: EverybodysFilter) -> str:
    """Statement of the number of chosen generations."""
    conditions = _conditions(asked)
    return "SELECT count(*) FROM generations g" + (f" WHERE {' AND '.join(conditions)}" if conditions else "")


def _conditions(asked: EverybodysFilter) -> Sequence[str]:
    chosen = asked.chosen
    given = {
        _STATES: chosen.states,
        "g.id = :id": asked.id,
        "g.subscription_id = :subscription_id": asked.subscription_id,
        "g.engine = :engine": asked.engine,
        "g.created_at >= :created_after": chosen.created_after,
        "g.created_at < :created_before": chosen.created_before,
        "g.model = :model": chosen.model,
        _WORKED_ON: asked.worker,
        _SEARCHED: chosen.search,
    }
    return [condition for condition, value in given.items() if value]
