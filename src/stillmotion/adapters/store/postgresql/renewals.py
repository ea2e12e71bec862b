"""Renewals of leases, those of many renders in one statement, and the watch over their previews."""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

import msgspec

from stillmotion.adapters.store.postgresql.connections.opening import PostgresSession
from stillmotion.adapters.store.postgresql.queries.dialect import translated
from stillmotion.adapters.store.postgresql.queries.renewals import LEASED_NOW, RENEW, WATCH
from stillmotion.domain.errors import LeaseLost

_encode_json: Final = msgspec.json.Encoder().encode


class Renewal(NamedTuple):
    """A lease, the time up to which it is renewed, and what is shown of the work."""

    id: str
    attempt: int
    lease_until: int
    progress: float
    preview: str | None
    stage: str


def renew_together(session: PostgresSession, renewals: Sequence[Renewal]) -> Sequence[int | Exception | None]:
    """The end of the time in which somebody watches each render, None for one that nobody watches; or `LeaseLost`."""
    given = {"renewals": _encode_json([each._asdict() for each in renewals]).decode()}
    rows = session.link.execute(translated(RENEW), given).fetchall()
    watched = {(id_, attempt): until for id_, attempt, until in rows}
    lost = {
        (each.id, each.attempt): LeaseLost(f"{each.id} is past attempt {each.attempt}")
        for each in renewals
        if (each.id, each.attempt) not in watched
    }
    return [(watched | lost)[each.id, each.attempt] for each in renewals]


def watch_previews(session: PostgresSession, generation_ids: Collection[str], until: int) -> None:
    """See `GenerationStore.watch_previews`. A row at a time, each on its own.

    Renewals hold several rows, in no order. What holds one alone waits with none of them in a circle.
    """
    for row in session.link.execute(translated(LEASED_NOW), {"ids": list(generation_ids)}).fetchall():
        session.link.execute(translated(WATCH), {"id": row[0], "until": until})
