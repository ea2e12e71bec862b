"""The invariants of a quiet data directory, read from outside with no code of the service's."""

import hashlib
import json
import re
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

TERMINAL = frozenset({"completed", "failed", "cancelled"})
REFUNDED = frozenset({"failed", "cancelled"})
MAX_FAILURES = 3
NOTHING_DELETED: Mapping[str, float] = MappingProxyType({})
NOT_OURS = re.compile(r"checks/|quarantine/")
"""Objects that no row names, and rightly: the readiness check's, and those that a collector has set aside."""

_STORED = re.compile(r'"key":"([^"]+)"')


@dataclass(frozen=True, slots=True)
class Row:
    """A generation as the database has it."""

    id: str
    subscription: str
    state: str
    attempt: int
    failures: int
    seconds: float
    created_at: int
    code: str | None
    reason: str | None
    callback: bool
    inputs: tuple[str, ...]
    assets: tuple[tuple[str, int, str], ...]
    lacking: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Holdings:
    """The whole of a data directory, as of one moment."""

    root: Path
    rows: Sequence[Row]
    deliveries: Sequence[tuple[str, str, str, str, int]]
    unfinished: dict[str, int]
    queued: dict[str, int]
    spent: dict[tuple[str, str], int]
    unsound: Sequence[str]

    def orphans(self, grace: float = 0.0) -> list[str]:
        """The objects that no row names and that are older than `grace` seconds. Local storage only."""
        named = {key for row in self.rows for key, *_ in row.assets} | {key for row in self.rows for key in row.inputs}
        objects = self.root / "objects"
        found = {path.relative_to(objects).as_posix(): path for path in objects.rglob("*") if path.is_file()}
        young = time.time() - grace
        return sorted(
            key
            for key, path in found.items()
            if key not in named and not NOT_OURS.match(key) and path.stat().st_mtime <= young
        )


def read(root: Path) -> Holdings:
    """Everything in the data directory `root`, whether a server runs over it or not."""
    with closing(sqlite3.connect(f"file:{root}/stillmotion.db?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        unsound = [each[0] for each in database.execute("PRAGMA integrity_check") if each[0] != "ok"]
        unsound += [
            f"{each[0]} row {each[1]}: no such {each[2]}" for each in database.execute("PRAGMA foreign_key_check")
        ]
        return _holdings(root, lambda query: database.execute(query).fetchall(), unsound)


def read_shared(root: Path, store: str) -> Holdings:
    """The same where the rows are in PostgreSQL. Foreign keys always hold there."""
    import psycopg
    from psycopg.rows import dict_row

    with psycopg.connect(store, row_factory=dict_row) as link:
        return _holdings(root, lambda query: link.execute(query.encode()).fetchall(), [])


def _holdings(root: Path, rows_of: Callable[[str], Sequence[Any]], unsound: Sequence[str]) -> Holdings:
    deliveries = [
        (each["id"], each["generation_id"], each["announces"], each["state"], each["attempts"])
        for each in rows_of("SELECT * FROM deliveries ORDER BY sequence")
    ]
    limits = rows_of("SELECT subscription_id, unfinished, queued FROM limits")
    quotas = rows_of("SELECT subscription_id, period, video_spent FROM quotas")
    return Holdings(
        root,
        rows=[_row(each) for each in rows_of("SELECT * FROM generations ORDER BY sequence")],
        deliveries=deliveries,
        unfinished={each["subscription_id"]: each["unfinished"] for each in limits},
        queued={each["subscription_id"]: each["queued"] for each in limits},
        spent={(each["subscription_id"], each["period"]): each["video_spent"] for each in quotas},
        unsound=unsound,
    )


def _row(each: sqlite3.Row | dict[str, Any]) -> Row:
    """The generation. The table's columns tell which kinds of assets there are."""
    request: dict[str, Any] = json.loads(each["request"])
    columns = each.keys()
    kinds = [name.removesuffix("_digest") for name in columns if name.endswith("_digest")]
    lacking = tuple(kind for kind in kinds if each[f"{kind}_key"] is None)
    return Row(
        id=each["id"],
        subscription=each["subscription_id"],
        state=each["state"],
        attempt=each["attempt"],
        failures=each["failures"],
        seconds=request["seconds"],
        created_at=each["created_at"],
        code=each["failure_code"],
        reason=each["failure_reason"],
        callback=request.get("callback_url") is not None,
        inputs=tuple(_STORED.findall(each["request"])),
        assets=tuple(
            (each[f"{kind}_key"], each[f"{kind}_size"], each[f"{kind}_digest"]) for kind in kinds if kind not in lacking
        ),
        lacking=lacking,
    )


def violations(
    holdings: Holdings, accepted: Collection[str], deleted: Mapping[str, float] = NOTHING_DELETED
) -> list[str]:
    """Every promise that is broken, in a sentence each.

    `accepted` are the ids that callers were given, `deleted` those that they had removed, with the clips' seconds.
    """
    return [
        *(f"unsound: {each}" for each in holdings.unsound),
        *_lost(holdings, set(accepted) - deleted.keys()),
        *_unfinished(holdings),
        *_badly_ended(holdings),
        *_not_whole(holdings),
        *_badly_announced(holdings),
        *_miscounted(holdings, sum(deleted.values())),
    ]


def _lost(holdings: Holdings, accepted: set[str]) -> Iterator[str]:
    for generation in accepted - {row.id for row in holdings.rows}:
        yield f"lost: {generation} was accepted and is not stored"


def _unfinished(holdings: Holdings) -> Iterator[str]:
    for row in holdings.rows:
        if row.state not in TERMINAL:
            yield f"stuck: {row.id} is {row.state} at attempt {row.attempt}"


def _badly_ended(holdings: Holdings) -> Iterator[str]:
    for row in holdings.rows:
        if row.failures > MAX_FAILURES:
            yield f"looping: {row.id} failed {row.failures} times"
        if row.state == "failed" and not (row.code and row.reason):
            yield f"unexplained: {row.id} failed with no reason"
        if row.lacking if row.state == "completed" else row.assets:
            yield f"contradictory: {row.id} is {row.state} with {len(row.assets)} assets"


def _not_whole(holdings: Holdings) -> Iterator[str]:
    """Every asset of a completed generation exists and has the row's digest."""
    for row in holdings.rows:
        for key, size, digest in row.assets:
            path = holdings.root / "objects" / key
            if not path.is_file():
                yield f"missing: {key} of {row.id}"
                continue
            content = path.read_bytes()
            if len(content) != size or hashlib.sha256(content).hexdigest() != digest:
                yield f"broken: {key} of {row.id} is not what was made"


def _badly_announced(holdings: Holdings) -> Iterator[str]:
    """Each announced state has one delivery under one id, and no other state has any."""
    announced: dict[str, list[str]] = {row.id: [] for row in holdings.rows}
    for _, generation, state, _, _ in holdings.deliveries:
        announced.setdefault(generation, []).append(state)
    for row in holdings.rows:
        ends = [state for state in announced[row.id] if state in TERMINAL]
        expected = [row.state] if row.callback and row.state in {"completed", "failed"} else []
        if ends != expected:
            yield f"announced: {row.id} is {row.state} and {ends} is in the outbox"
        began = announced[row.id].count("dreaming")
        if began != int(row.callback and row.attempt > 0):
            yield f"announced: {row.id} is in its attempt {row.attempt} and began {began} times in the outbox"


def _miscounted(holdings: Holdings, deleted_seconds: float) -> Iterator[str]:
    """Stored counters equal a count of the rows. A deleted clip stays paid for, if it was."""
    queued = dict.fromkeys(holdings.queued, 0)
    under_way = dict.fromkeys(holdings.unfinished, 0)
    spent = dict.fromkeys(holdings.spent, 0)
    for row in holdings.rows:
        under_way[row.subscription] = under_way.get(row.subscription, 0) + (row.state not in TERMINAL)
        queued[row.subscription] = queued.get(row.subscription, 0) + (row.state == "queued")
        month = time.strftime("%Y-%m", time.gmtime(row.created_at // 1_000_000))
        key = (row.subscription, month)
        spent[key] = spent.get(key, 0) + (0 if row.state in REFUNDED else round(row.seconds * 1_000_000))
    if under_way != holdings.unfinished:
        yield f"miscounted: {under_way} are under way, {holdings.unfinished} are counted"
    if queued != holdings.queued:
        yield f"miscounted: {queued} are queued, {holdings.queued} are counted"
    beyond = sum(holdings.spent.values()) - sum(spent.values())
    if spent.keys() != holdings.spent.keys() or not 0 <= beyond <= deleted_seconds * 1_000_000:
        yield f"miscounted: {spent} were used, {holdings.spent} are counted"
