"""Queue controls and the log of actions in SQL."""

from collections.abc import Sequence
from typing import Final

import msgspec

from stillmotion.adapters.store.queue_depths import to_depths
from stillmotion.adapters.store.sql.connections import Connection, Reader, Writer
from stillmotion.adapters.store.sql.generation_rows import Row, microseconds, to_time
from stillmotion.adapters.store.sql.queries import holds, operators
from stillmotion.application.ports.administration import QueueDepth
from stillmotion.domain.lifecycle import State
from stillmotion.domain.operators.actions import OperatorAction
from stillmotion.domain.operators.queue_controls import (
    ControlScope,
    ControlState,
    ControlTarget,
    QueueControl,
    QueueControls,
)

_BEYOND_EVERY_ID: Final = "~"
_encode_json = msgspec.json.Encoder().encode
_decode_details = msgspec.json.Decoder(dict).decode


class SqlOperators:
    """`QueueStore` and `ActionStore`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self.writer = writer
        self._reader = reader

    async def queue_controls(self) -> QueueControls:
        """See `QueueStore.queue_controls`."""
        return to_controls(await self._reader.rows(operators.CONTROLS))

    async def put_control(self, control: QueueControl) -> None:
        """See `QueueStore.put_control`."""
        given = {
            "scope": control.target.scope.value,
            "name": control.target.name,
            "state": control.state.value,
            "since": microseconds(control.since),
            "actor": control.actor,
        }

        def operation(connection: Connection) -> None:
            # A claim reads the controls while it holds the clock: none is under way when a pause is stored.
            connection.hold(holds.HOLD_CLOCK)
            connection.execute(operators.PUT_CONTROL, given)

        await self.writer.run(operation)

    async def remove_control(self, target: ControlTarget) -> bool:
        """See `QueueStore.remove_control`."""

        def operation(connection: Connection) -> bool:
            connection.execute(operators.REMOVE_CONTROL, (target.scope.value, target.name))
            return connection.changes() > 0

        return await self.writer.run(operation)

    async def queue_depth(self) -> Sequence[QueueDepth]:
        """See `QueueStore.queue_depth`."""
        rows = await self._reader.rows(operators.QUEUE_DEPTH)
        return to_depths((engine, State(state), count, to_time(oldest)) for engine, state, count, oldest in rows)

    async def add_action(self, action: OperatorAction) -> None:
        """See `ActionStore.add_action`."""
        given = {
            "id": action.id,
            "at": microseconds(action.at),
            "actor": action.actor,
            "name": action.name,
            "target": action.target,
            "details": _encode_json(action.details).decode(),
            "request_id": action.request_id,
            "refused": action.refused,
        }

        def operation(connection: Connection) -> None:
            connection.execute(operators.ADD_ACTION, given)

        await self.writer.run(operation)

    async def refuse_action(self, action_id: str, sentence: str) -> None:
        """See `ActionStore.refuse_action`."""

        def operation(connection: Connection) -> None:
            connection.execute(operators.REFUSE_ACTION, (sentence, action_id))

        await self.writer.run(operation)

    async def actions(self, before: str | None, limit: int) -> Sequence[OperatorAction]:
        """See `ActionStore.actions`."""
        edge = _BEYOND_EVERY_ID if before is None else before
        return [_to_action(row) for row in await self._reader.rows(operators.ACTIONS, (edge, limit))]


def to_controls(rows: Sequence[Row]) -> QueueControls:
    """The controls, from their columns in the order of `queries`, the oldest first."""
    oldest_first = sorted(rows, key=lambda row: (row[3], row[0], row[1]))
    return QueueControls(
        tuple(
            QueueControl(ControlTarget(ControlScope(scope), name), ControlState(state), to_time(since), actor)
            for scope, name, state, since, actor in oldest_first
        )
    )


def _to_action(row: Row) -> OperatorAction:
    id_, at, actor, name, target, details, request_id, refused = row
    return OperatorAction(id_, to_time(at), actor, name, target, _decode_details(details), request_id, refused)
