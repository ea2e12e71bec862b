"""A writer that refuses an operation that reads before it holds, or that holds in another order.

SQLite has one writer and needs no hold. A database with many does, and its tests would meet a missing one by chance.
"""

import re

from stillmotion.adapters.store.sql.queries import generations, holds, lines

ORDER = (holds.HOLD_CLOCK, holds.HOLD_GENERATION, holds.HOLD_DELIVERIES, holds.HOLD_LIMITS)
"""The order of `queries.holds`. Each of the other statements is the only one of its operation."""

GUARDS = {
    "virtual_clock": {holds.HOLD_CLOCK},
    "queue_controls": {holds.HOLD_CLOCK},
    "generations": {holds.HOLD_GENERATION, holds.HOLD_LIMITS},
    "links": {holds.HOLD_GENERATION},
    "deliveries": {holds.HOLD_DELIVERY},
    "limits": {holds.HOLD_LIMITS},
    "quotas": {holds.HOLD_LIMITS},
    "idempotency_keys": {holds.HOLD_LIMITS},
    "recent_submits": {holds.HOLD_LIMITS},
    "products": {holds.HOLD_ACCESS},
    "subscriptions": {holds.HOLD_ACCESS},
    "uploads": {holds.HOLD_SUBSCRIPTION},
}
"""By table: the holds of which a read needs one. A submit only repeats an earlier generation, and changes none."""

CLAIMS = {lines.NEXT_URGENT, lines.NEXT_QUEUED}
"""Statements that hold the generation that they find."""


class HoldingWriter:
    """The writer of a store, with every operation checked."""

    def __init__(self, writer):
        self._writer = writer

    async def run(self, operation):
        return await self._writer.run(lambda connection: operation(HoldingConnection(connection)))

    def __getattr__(self, name):
        return getattr(self._writer, name)


def holding(store):
    """The store, which checks its operations from now on."""
    store.writer = HoldingWriter(store.writer)
    return store


class HoldingConnection:
    """A connection that knows what an operation holds."""

    def __init__(self, connection):
        self._connection = connection
        self._held = []
        self._lines_changed = False
        self.changes = connection.changes

    def hold(self, statement, bindings=()):
        if statement in ORDER:
            assert all(each in ORDER for each in self._held), f"{statement} is held with {self._held}"
            ranks = [ORDER.index(each) for each in (*self._held, statement)]
            assert ranks == sorted(set(ranks)), f"{statement} is held after {self._held}"
        else:
            assert self._held == [], f"{statement} is held with {self._held}"
        assert not self._lines_changed, "the limits are held after a trigger wrote to the lines that they guard"
        self._held.append(statement)
        self._connection.hold(statement, bindings)

    def execute(self, statement, bindings=()):
        if statement in CLAIMS:
            assert holds.HOLD_CLOCK in self._held
            if holds.HOLD_GENERATION not in self._held:
                self._held.append(holds.HOLD_GENERATION)
        elif statement == lines.LEASED_OF:
            assert holds.HOLD_CLOCK in self._held, "no claim may come between"
        elif statement == lines.FIND_LINE:
            assert holds.HOLD_LIMITS in self._held
        elif re.match(r"\s*(SELECT|WITH)\b", statement):
            self._check_read(statement)
        elif statement in {generations.UPDATE_GENERATION, generations.PLACE_GENERATION}:
            self._lines_changed = True
        return self._connection.execute(statement, bindings)

    def _check_read(self, statement):
        table = re.search(r"\bFROM (\w+)", statement)[1]
        assert GUARDS[table] & {*self._held}, f"a read without a hold of one of {GUARDS[table]}: {statement}"
