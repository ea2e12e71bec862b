"""Places of subscriptions in the queue, within the transaction that changes them."""

from datetime import datetime

from stillmotion.adapters.store.sql.connections import Connection
from stillmotion.adapters.store.sql.generation_rows import from_line, to_line
from stillmotion.adapters.store.sql.queries import lines
from stillmotion.domain.fairness import Line
from stillmotion.domain.generation import Generation


def joined_line(connection: Connection, generation: Generation) -> Line:
    """The subscription's place in the queue, with its first generation in it."""
    line, virtual_time = _line(connection, generation)
    return line.joined(virtual_time, generation.created_at)


def move_line(connection: Connection, before: Generation, after: Generation, now: datetime) -> None:
    """Write its subscription's place in the queue after a change of the generation."""
    line, virtual_time = _line(connection, after)
    moved, then = line.after(before, after, virtual_time, now)
    keep_line(connection, after, moved)
    if then != virtual_time:
        connection.execute(lines.SET_VIRTUAL_CLOCK, (then,))


def _line(connection: Connection, generation: Generation) -> tuple[Line, int]:
    """Its subscription's place in the queue, and the virtual time."""
    virtual_time, queued, *turn = connection.execute(lines.FIND_LINE, (generation.subscription_id,)).get
    if queued is None:
        return Line(0, 0, generation.created_at), virtual_time
    return to_line((queued, *turn)), virtual_time


def keep_line(connection: Connection, generation: Generation, line: Line) -> None:
    """Write its subscription's place in the queue."""
    connection.execute(lines.MOVE_LINE, from_line(line) | {"subscription_id": generation.subscription_id})
