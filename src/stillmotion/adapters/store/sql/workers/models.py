"""Wishes, holdings and pulls of models in SQL."""

from collections.abc import Sequence
from datetime import datetime

from stillmotion.adapters.store.sql.connections import Connection, Reader, Writer
from stillmotion.adapters.store.sql.generation_rows import Bindings, Row, maybe_microseconds, microseconds, to_time
from stillmotion.adapters.store.sql.queries import operators
from stillmotion.domain.models.holdings import SILENT_AFTER, Holding, ModelWish, Wish
from stillmotion.domain.models.pulls import Pull, PullState
from stillmotion.domain.models.states import ModelStateName


class SqlModels:
    """`ModelStore`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self.writer = writer
        self._reader = reader

    async def put_wish(self, wish: ModelWish) -> None:
        """See `ModelStore.put_wish`."""
        at = microseconds(wish.at)
        await self._change(
            operators.PUT_WISH, {"engine": wish.engine, "wish": wish.wish.value, "at": at, "actor": wish.actor}
        )

    async def wishes(self) -> Sequence[ModelWish]:
        """See `ModelStore.wishes`."""
        rows = await self._reader.rows(operators.WISHES)
        return [ModelWish(engine, Wish(wish), to_time(at), actor) for engine, wish, at, actor in rows]

    async def tell_holdings(self, worker: str, holdings: Sequence[Holding], now: datetime) -> None:
        """See `ModelStore.tell_holdings`."""
        told_at, silent = microseconds(now), microseconds(now - SILENT_AFTER)

        def operation(connection: Connection) -> None:
            connection.execute(operators.FORGET_HOLDINGS, (worker,))
            connection.execute(operators.FORGET_SILENT, (silent,))
            for each in holdings:
                place = {"worker": worker, "lane": each.lane, "engine": each.engine, "told_at": told_at}
                connection.execute(operators.TELL_HOLDING, {**place, "state": each.state.value, "reason": each.reason})

        await self.writer.run(operation)

    async def holdings(self, since: datetime) -> Sequence[Holding]:
        """See `ModelStore.holdings`."""
        rows = sorted(await self._reader.rows(operators.HOLDINGS, (microseconds(since),)), key=lambda row: row[:3])
        return [Holding(lane, engine, ModelStateName(state), reason) for _, lane, engine, state, reason in rows]

    async def begin_pull(self, pull: Pull) -> None:
        """See `ModelStore.begin_pull`."""
        await self._change(operators.BEGIN_PULL, _from_pull(pull))

    async def advance_pull(self, pull: Pull) -> bool:
        """See `ModelStore.advance_pull`."""
        return await self._change(operators.ADVANCE_PULL, _from_pull(pull) | {"under_way": PullState.PULLING.value})

    async def cancel_pull(self, model: str, now: datetime) -> bool:
        """See `ModelStore.cancel_pull`."""
        states = {"state": PullState.CANCELLED.value, "under_way": PullState.PULLING.value}
        return await self._change(operators.CANCEL_PULL, {"model": model, "told_at": microseconds(now), **states})

    async def pulls(self) -> Sequence[Pull]:
        """See `ModelStore.pulls`."""
        return [_to_pull(row) for row in await self._reader.rows(operators.PULLS)]

    async def _change(self, statement: str, given: Bindings) -> bool:
        def operation(connection: Connection) -> bool:
            connection.execute(statement, given)
            return connection.changes() > 0

        return await self.writer.run(operation)


def _from_pull(pull: Pull) -> Bindings:
    return {
        "model": pull.model,
        "state": pull.state.value,
        "there": pull.there,
        "total": pull.total,
        "began_with": pull.began_with,
        "started_at": maybe_microseconds(pull.started_at),
        "told_at": maybe_microseconds(pull.told_at),
        "error": pull.error,
    }


def _to_pull(row: Row) -> Pull:
    model, state, there, total, began_with, started_at, told_at, error = row
    begun, told = (None if each is None else to_time(each) for each in (started_at, told_at))
    return Pull(model, PullState(state), there, total, began_with, begun, told, error)
