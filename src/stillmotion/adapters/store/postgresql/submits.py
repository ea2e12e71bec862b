"""Submits that share a transaction: one look at the limits of all, the rules of each, one statement that keeps them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import msgspec
import psycopg

from stillmotion.adapters.store.admission import Standing, admit, check_same_body
from stillmotion.adapters.store.postgresql.connections.threads import Threads
from stillmotion.adapters.store.postgresql.queries import submits
from stillmotion.adapters.store.postgresql.queries.dialect import translated
from stillmotion.adapters.store.sql.connections import Connection
from stillmotion.adapters.store.sql.generation_rows import (
    COST_PARTS,
    from_generation,
    from_line,
    microseconds,
    to_generation,
    to_line,
    to_time,
    video_microseconds,
)
from stillmotion.adapters.store.sql.generation_submits import IDEMPOTENCY_KEPT, SWEEP_EVERY
from stillmotion.adapters.store.sql.queries import generations
from stillmotion.adapters.store.sql.queries.submits import FIND_RECENT_SUBMIT
from stillmotion.application.failpoints import Fault, Point
from stillmotion.application.ports.lists import searched_text
from stillmotion.application.ports.store import Accepted, Fingerprint, Submission
from stillmotion.domain.fairness import Line
from stillmotion.domain.generation import Generation
from stillmotion.domain.history.metadata import text_of
from stillmotion.domain.quotas import RETRIED_WITHIN, RateWindow, period
from stillmotion.domain.record.usage import usage_change

MOST_KNOWN: Final = 10_000
"""Subscriptions that are remembered for the limits that they have."""

_SPAN_MICROSECONDS: Final = RETRIED_WITHIN // timedelta(microseconds=1)
_encode_json = msgspec.json.Encoder().encode

Tables = dict[str, list[dict[str, Any]]]


@dataclass(slots=True)
class _Books:
    """Limits of the subscriptions of a batch, and what its earlier submits have left behind so far.

    `used` has seconds of video by subscription and period. `named` and `recent` have the submits that a later one
    may repeat.
    """

    virtual_time: int = 0
    standings: dict[str, Standing] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    used: dict[tuple[str, str], float] = field(default_factory=dict)
    named: dict[tuple[str, str], tuple[bytes, Generation]] = field(default_factory=dict)
    recent: dict[tuple[int, str, bytes], Generation] = field(default_factory=dict)
    accepted: list[tuple[Submission, RateWindow]] = field(default_factory=list)

    def standing(self, generation: Generation) -> Standing:
        """Usage of the generation's subscription, with all that was accepted before it."""
        owner = generation.subscription_id
        return replace(self.standings[owner], used_seconds=self.used[owner, period(generation.created_at)])

    def keep(self, submission: Submission, window: RateWindow) -> None:
        """Count an accepted submission."""
        generation = submission.generation
        owner, standing = generation.subscription_id, self.standings[generation.subscription_id]
        self.lines[owner] = self.lines[owner].joined(self.virtual_time, generation.created_at)
        self.standings[owner] = replace(
            standing, window=window, unfinished=standing.unfinished + 1, queued=standing.queued + 1
        )
        self.used[owner, period(generation.created_at)] += generation.request.seconds
        if submission.idempotency is not None:
            self.named[owner, submission.idempotency.key] = submission.idempotency.body_digest, generation
        if submission.fingerprint is not None:
            self.recent[_recent(generation, submission.fingerprint)] = generation
        self.accepted.append((submission, window))


class Submits:
    """Answers submits that came together. One that the database does not take spoils no other."""

    def __init__(self, threads: Threads, fault: Fault) -> None:
        self._threads = threads
        self._fault = fault
        self._known: set[str] = set()
        self._epoch = threads.epoch

    def __call__(self, submissions: Sequence[Submission]) -> Sequence[Accepted | Exception]:
        """Answers of `GenerationStore.submit`. Raises `StoreUnavailable`."""
        epoch = self._threads.epoch
        if epoch != self._epoch:
            # A failover may have lost rows that were made just before it.
            self._known, self._epoch = set(), epoch
        try:
            self._begin_limits({each.generation.subscription_id for each in submissions})
            return self._threads.transact(partial(submit_together, submissions=submissions, fault=self._fault), epoch)
        except psycopg.Error as error:
            if len(submissions) == 1:
                return [error]
            return [answer for each in submissions for answer in self([each])]

    def _begin_limits(self, owners: set[str]) -> None:
        """Make the limits of subscriptions that never submitted, before a transaction holds any."""
        new = sorted(owners - self._known)
        if new:
            begin = translated(submits.BEGIN_LIMITS)
            self._threads.patiently(lambda session: session.link.execute(begin, {"owners": new}))
            if len(self._known) > MOST_KNOWN:
                self._known.clear()
            self._known.update(new)


def submit_together(
    connection: Connection, submissions: Sequence[Submission], fault: Fault
) -> Sequence[Accepted | Exception]:
    """Answers of `GenerationStore.submit` for each, as if they were made one after another."""
    books = _read(connection, submissions)
    answers: list[Accepted | Exception] = []
    for each in submissions:
        try:
            answers.append(_submit(connection, books, each, fault))
        except Exception as error:  # A refusal is its caller's: the others go on.
            answers.append(error)
    if books.accepted:
        tables = {name: _encode_json(rows).decode() for name, rows in _tables(books).items()}
        connection.execute(submits.KEEP_SUBMITS, tables)
        _sweep(connection, books)
    return answers


def _sweep(connection: Connection, books: _Books) -> None:
    """Delete earlier submits that no later one repeats, once in a while."""
    due = [each.generation for each, window in books.accepted if window.spent % SWEEP_EVERY == 0]
    if due:
        now = min(generation.created_at for generation in due)
        oldest = {"oldest_key": microseconds(now - IDEMPOTENCY_KEPT), "oldest_span": _span(now) - 1}
        connection.execute(submits.SWEEP, oldest)


def _submit(connection: Connection, books: _Books, submission: Submission, fault: Fault) -> Accepted:
    generation = submission.generation
    standing = books.standing(generation)
    earlier = _earlier(connection, books, submission)
    if earlier is not None:
        return Accepted(earlier, replayed=True, window=standing.window_at(generation.created_at))
    window = admit(submission, standing)
    fault(Point.SUBMIT_BEFORE_COMMIT)
    books.keep(submission, window)
    return Accepted(generation, replayed=False, window=window)


def _read(connection: Connection, submissions: Sequence[Submission]) -> _Books:
    """The books as they were committed last. They stay so until the transaction ends."""
    pairs = sorted({(each.generation.subscription_id, period(each.generation.created_at)) for each in submissions})
    owners = sorted({owner for owner, _ in pairs})
    connection.execute(submits.HOLD_OWNERS, {"owners": owners})
    books = _Books()
    asked = {"owners": [owner for owner, _ in pairs], "periods": [each for _, each in pairs]}
    for row in connection.execute(submits.STANDINGS, asked):
        owner, of_period, started_at, spent, unfinished, queued, turn, since, video_spent, books.virtual_time = row
        books.standings[owner] = Standing(RateWindow(to_time(started_at), spent), unfinished, queued, 0.0)
        books.lines[owner] = to_line((queued, turn, since))
        books.used[owner, of_period] = (video_spent or 0) / 1_000_000
    keys = sorted({
        (each.generation.subscription_id, each.idempotency.key) for each in submissions if each.idempotency is not None
    })  # fmt: skip
    if keys:
        asked = {"owners": [owner for owner, _ in keys], "names": [name for _, name in keys]}
        for owner, name, digest, *columns in connection.execute(submits.EARLIER_BY_KEY, asked):
            books.named[owner, name] = bytes(digest), to_generation(tuple(columns))
    return books


def _earlier(connection: Connection, books: _Books, submission: Submission) -> Generation | None:
    """The earlier generation that a submission repeats, if any."""
    generation, named, fingerprint = submission.generation, submission.idempotency, submission.fingerprint
    if named is not None:
        found = books.named.get((generation.subscription_id, named.key))
        if found is None:
            return None
        check_same_body(found[0], named.body_digest)
        return found[1]
    if fingerprint is None or not fingerprint.is_retry:
        return None
    span, owner, digest = _recent(generation, fingerprint)
    oldest = generation.created_at - RETRIED_WITHIN
    for near in (span + 1, span, span - 1):
        together = books.recent.get((near, owner, digest))
        if together is not None and together.created_at > oldest:
            return together
    asked = {"span": span, "subscription_id": owner, "body_digest": digest, "oldest": microseconds(oldest)}
    earlier_id = connection.execute(FIND_RECENT_SUBMIT, asked).get
    row = connection.execute(generations.FIND_GENERATION, (earlier_id,)).get
    return None if row is None else to_generation(row)


def _recent(generation: Generation, fingerprint: Fingerprint) -> tuple[int, str, bytes]:
    return _span(generation.created_at), generation.subscription_id, fingerprint.body_digest


def _span(time: datetime) -> int:
    return microseconds(time) // _SPAN_MICROSECONDS


def _tables(books: _Books) -> Tables:
    """Rows to be written, by their table."""
    tables: Tables = {
        name: []
        for name in ("generations", "list_entries", "limits", "quotas", "usage_days", "idempotency_keys",
                     "recent_submits")
    }  # fmt: skip
    for submission, _ in books.accepted:
        generation = submission.generation
        tables["generations"].append(_of_generation(generation))
        tables["list_entries"].append(_of_entry(generation))
        if submission.idempotency is not None:
            kept = {"key": submission.idempotency.key, "body_digest": _hex(submission.idempotency.body_digest)}
            tables["idempotency_keys"].append(kept | _of_repetition(generation))
    owners = {submission.generation.subscription_id for submission, _ in books.accepted}
    tables["limits"] = [_of_limits(books, owner) for owner in sorted(owners)]
    tables["quotas"], tables["usage_days"] = _of_usage(books)
    tables["recent_submits"] = [
        {"span": span, "body_digest": _hex(digest)} | _of_repetition(generation)
        for (span, _, digest), generation in sorted(books.recent.items(), key=lambda each: each[0])
    ]
    return tables


def _of_generation(generation: Generation) -> dict[str, Any]:
    request = generation.request
    known = {name: value for name, value in from_generation(generation).items() if value is not None}
    parts = {"model": request.model, "resolution": request.resolution.value}
    return known | parts | {"video": video_microseconds(request.seconds)}


def _of_entry(generation: Generation) -> dict[str, Any]:
    return {
        "subscription_id": generation.subscription_id,
        "generation_id": generation.id,
        "created_at": microseconds(generation.created_at),
        "state": generation.state.value,
        "model": generation.request.model,
        "metadata": text_of(generation.metadata),
        "text": searched_text(generation),
    }


def _of_repetition(generation: Generation) -> dict[str, Any]:
    return {
        "subscription_id": generation.subscription_id,
        "generation_id": generation.id,
        "created_at": microseconds(generation.created_at),
    }


def _of_limits(books: _Books, owner: str) -> dict[str, Any]:
    standing = books.standings[owner]
    window = standing.window or RateWindow(to_time(0))
    return {
        "subscription_id": owner,
        "window_started_at": microseconds(window.started_at),
        "window_spent": window.spent,
        "unfinished": standing.unfinished,
        **from_line(books.lines[owner]),
    }


def _of_usage(books: _Books) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of quotas and of usage by day, one for all submits that count in it."""
    spent: defaultdict[tuple[str, str], int] = defaultdict(int)
    used: dict[tuple[str, str, str, str], list[int]] = {}
    for submission, _ in books.accepted:
        generation = submission.generation
        video = video_microseconds(generation.request.seconds)
        spent[generation.subscription_id, period(generation.created_at)] += video
        entry = usage_change(None, generation)
        if entry is not None:
            sums = used.setdefault((entry.subscription_id, entry.day.isoformat(), entry.model, entry.key), [0, 0, 0])
            sums[0] += entry.generations
            sums[1] += video_microseconds(entry.video_seconds)
            sums[2] += round(entry.cost * COST_PARTS)
    quotas = [
        {"subscription_id": owner, "period": of_period, "video_spent": video}
        for (owner, of_period), video in sorted(spent.items())
    ]
    days = [
        {"subscription_id": owner, "day": day, "model": model, "key": key, "generations": count, "completed": 0,
         "failed": 0, "video": video, "cost": cost}
        for (owner, day, model, key), (count, video, cost) in sorted(used.items())
    ]  # fmt: skip
    return quotas, days


def _hex(digest: bytes) -> str:
    """Bytes as PostgreSQL reads them from text."""
    return f"\\x{digest.hex()}"
