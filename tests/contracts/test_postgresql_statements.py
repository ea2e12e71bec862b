"""Every statement in PostgreSQL's dialect, read by a real server."""

import importlib
import itertools
import pkgutil
import re

import pytest

pytest.importorskip("psycopg", reason="needs psycopg: pip install stillmotion[postgres]")

import psycopg

from stillmotion.adapters.store import postgresql
from stillmotion.adapters.store.postgresql import queries as own_queries
from stillmotion.adapters.store.postgresql.queries.dialect import translated
from stillmotion.adapters.store.sql import queries
from stillmotion.adapters.store.sql.queries import everybodys, history
from stillmotion.application.ports.administration import EverybodysFilter
from stillmotion.application.ports.lists import Filter
from stillmotion.domain.lifecycle import State
from tests import databases
from tests.builders import NOON

VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
ONLY_SQLITE = {"VIEW_IN_PLACE", "WATCH_PREVIEWS"}
IN_PLACE_OF_OTHERS = {"own", "picture"}
"""Modules of statements that are found by the shared one."""


def statements():
    """Name and text of every statement of the shared operations, and of PostgreSQL's own."""
    for package in (queries, own_queries):
        for module in pkgutil.iter_modules(package.__path__):
            for name, value in vars(importlib.import_module(f"{package.__name__}.{module.name}")).items():
                if module.name in IN_PLACE_OF_OTHERS:
                    continue
                if isinstance(value, str) and value.strip().startswith(VERBS) and not name.startswith("_"):
                    yield f"{module.name}.{name}", value


def lists():
    """Statements that are put together from a filter, with every part on and off."""
    for states, search, times, pairs in itertools.product(
        (set(), {State.QUEUED}, {State.FAILED, State.COMPLETED}), ("", "rain"), (None, NOON), ({}, {"a": "b"})
    ):
        chosen = Filter(
            states=frozenset(states), search=search, created_after=times, created_before=times, metadata=pairs,
            model="m" if search else "",
        )  # fmt: skip
        name = f"{sorted(states)} {search} {times} {pairs}"
        for newest_first in (True, False):
            yield f"history.page {name} {newest_first}", history.page(chosen, newest_first=newest_first)
            everybody = EverybodysFilter(chosen, id=search, subscription_id=search, engine=search, worker=search)
            yield (
                f"everybodys.page {name} {newest_first}",
                everybodys.page(everybody, newest_first=newest_first),
            )
        yield f"history.count {name}", history.count(chosen)
        yield f"everybodys.count {name}", everybodys.count(everybody)


def numbered(statement):
    """A statement with the server's own placeholders."""
    places = {}

    def number(found):
        return f"${places.setdefault(found[1] or len(places), len(places) + 1)}"

    return re.sub(r"%\((\w+)\)s|%s", number, translated(statement).decode()).replace("%%", "%")


@pytest.fixture(scope="module")
def server():
    url = databases.store_url()
    postgresql.open_store(url).close()
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def test_every_statement_can_be_prepared(server):
    known = [*statements(), *lists()]
    assert len(known) > 100
    troubles = []
    for name, statement in known:
        if name.partition(".")[2] in ONLY_SQLITE:
            continue
        result = server.pgconn.prepare(b"", numbered(statement).encode())
        if result.error_message:
            troubles.append(f"{name}: {result.error_message.decode()}")
    assert troubles == []


def test_no_row_is_locked_by_a_statement_that_reads_others(server):
    """A statement that waits for a lock reads the locked row anew, and nothing else: hold, then read."""
    known = [(name, translated(statement).decode()) for name, statement in statements()]
    functions = server.execute("SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
    known += [(name, statement) for name, source in functions for statement in source.split(";")]
    locking = 0
    for name, statement in known:
        text = statement.upper()
        if re.search(r"\bFOR (NO KEY )?UPDATE\b(?!.*\bSKIP LOCKED\b)", text):
            assert text.count("SELECT") == 1, name
            assert not re.search(r"\bJOIN\b|\bFROM\s+[^,]+,", text), name
            locking += 1
    assert locking > 2
