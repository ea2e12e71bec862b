"""Reads of single generations, those of many tasks in one statement."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from stillmotion.adapters.store.postgresql.connections.opening import PostgresSession
from stillmotion.adapters.store.postgresql.queries.dialect import translated
from stillmotion.adapters.store.postgresql.queries.reads import GENERATIONS, VIEWS
from stillmotion.adapters.store.sql.generation_rows import Row

_STATEMENTS: Final = ((False, VIEWS, 1), (True, GENERATIONS, 0))
"""For views and whole generations, the statement and the place of the id among its columns."""


class Question(NamedTuple):
    """A generation that is asked for: the whole of it, or its owner with the columns of a view."""

    id: str
    is_whole: bool


def read_together(session: PostgresSession, questions: Sequence[Question]) -> Sequence[Row | None]:
    """Rows of the questions in their order, None for an unknown id."""
    found: dict[Question, Row] = {}
    for is_whole, statement, place in _STATEMENTS:
        ids = list({each.id for each in questions if each.is_whole is is_whole})
        if ids:
            with session.link.cursor(binary=True) as cursor:
                for row in cursor.execute(translated(statement), {"ids": ids}):
                    found[Question(row[place], is_whole)] = row
    return [found.get(each) for each in questions]
