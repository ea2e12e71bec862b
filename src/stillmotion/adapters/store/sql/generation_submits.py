"""Submits, within their transaction: limits and quotas, earlier submits, the new row."""

from datetime import timedelta
from typing import Final

from stillmotion.adapters.store.admission import Standing, admit, check_same_body
from stillmotion.adapters.store.sql.connections import Connection
from stillmotion.adapters.store.sql.generation_lines import joined_line, keep_line
from stillmotion.adapters.store.sql.generation_rows import (
    Bindings,
    from_generation,
    microseconds,
    to_generation,
    to_time,
    video_microseconds,
)
from stillmotion.adapters.store.sql.history.lists import insert_entry
from stillmotion.adapters.store.sql.queries import generations, holds, limits, submits
from stillmotion.adapters.store.sql.usage import keep_usage
from stillmotion.application.ports.store import Accepted, Fingerprint, IdempotencyKey, Submission
from stillmotion.domain.generation import Generation
from stillmotion.domain.quotas import RETRIED_WITHIN, RateWindow, period

IDEMPOTENCY_KEPT: Final = timedelta(hours=48)
"""Twice the promised time."""

SWEEP_EVERY: Final = 8
"""Number of submits between two sweeps of `recent_submits`."""

_SPAN_MICROSECONDS: Final = RETRIED_WITHIN // timedelta(microseconds=1)


def submit_generation(connection: Connection, submission: Submission) -> Accepted:
    """See `GenerationStore.submit`."""
    generation = submission.generation
    connection.hold(holds.HOLD_LIMITS, (generation.subscription_id,))
    standing = _standing(connection, generation)
    earlier = _earlier(connection, submission)
    if earlier is not None:
        return Accepted(earlier, replayed=True, window=standing.window_at(generation.created_at))
    window = admit(submission, standing)
    sequence = connection.execute(generations.PLACE_GENERATION, from_generation(generation)).get
    keep_usage(connection, None, generation)
    insert_entry(connection, generation, sequence)
    line = None if standing.queued else joined_line(connection, generation)
    _spend(connection, generation, window)
    if line is not None:
        keep_line(connection, generation, line)
    if submission.idempotency is not None:
        _keep_idempotency(connection, generation, submission.idempotency)
    if submission.fingerprint is not None:
        _keep_fingerprint(connection, generation, submission.fingerprint)
        if window.spent % SWEEP_EVERY == 0:
            connection.execute(submits.SWEEP_RECENT_SUBMITS, (_span(generation) - 1,))
    return Accepted(generation, replayed=False, window=window)


def _standing(connection: Connection, generation: Generation) -> Standing:
    row = connection.execute(
        limits.FIND_STANDING,
        {"subscription_id": generation.subscription_id, "period": period(generation.created_at)},
    ).get
    if row is None:
        return Standing(window=None, unfinished=0, queued=0, used_seconds=0.0)
    started_at, spent, unfinished, queued, video_spent = row
    window = RateWindow(to_time(started_at), spent)
    return Standing(window, unfinished, queued, (video_spent or 0) / 1_000_000)


def _spend(connection: Connection, generation: Generation, window: RateWindow) -> None:
    connection.execute(
        limits.SPEND_LIMITS,
        {
            "subscription_id": generation.subscription_id,
            "window_started_at": microseconds(window.started_at),
            "window_spent": window.spent,
        },
    )
    spend_quota(connection, generation, generation.request.seconds)


def spend_quota(connection: Connection, generation: Generation, seconds: float) -> None:
    """Spend seconds of video of its subscription's quota; give them back where they are negative."""
    connection.execute(
        limits.SPEND_QUOTA,
        {
            "subscription_id": generation.subscription_id,
            "period": period(generation.created_at),
            "video": video_microseconds(seconds),
        },
    )


def _earlier(connection: Connection, submission: Submission) -> Generation | None:
    """The earlier generation that a submission repeats, if any."""
    generation, named, fingerprint = submission.generation, submission.idempotency, submission.fingerprint
    if named is not None:
        found = connection.execute(submits.FIND_IDEMPOTENCY_KEY, (generation.subscription_id, named.key)).get
        if found is None:
            return None
        body_digest, earlier_id = found
        check_same_body(body_digest, named.body_digest)
    elif fingerprint is not None and fingerprint.is_retry:
        oldest = microseconds(generation.created_at - RETRIED_WITHIN)
        given = _recent(generation, fingerprint) | {"oldest": oldest}
        earlier_id = connection.execute(submits.FIND_RECENT_SUBMIT, given).get
    else:
        return None
    row = connection.execute(generations.FIND_GENERATION, (earlier_id,)).get
    return None if row is None else to_generation(row)


def _recent(generation: Generation, fingerprint: Fingerprint) -> Bindings:
    return {
        "span": _span(generation),
        "subscription_id": generation.subscription_id,
        "body_digest": fingerprint.body_digest,
    }


def _span(generation: Generation) -> int:
    return microseconds(generation.created_at) // _SPAN_MICROSECONDS


def _keep_fingerprint(connection: Connection, generation: Generation, fingerprint: Fingerprint) -> None:
    created_at = microseconds(generation.created_at)
    given = _recent(generation, fingerprint) | {"generation_id": generation.id, "created_at": created_at}
    connection.execute(submits.PUT_RECENT_SUBMIT, given)


def _keep_idempotency(connection: Connection, generation: Generation, idempotency: IdempotencyKey) -> None:
    oldest_kept = generation.created_at - IDEMPOTENCY_KEPT
    connection.execute(submits.SWEEP_IDEMPOTENCY_KEYS, (microseconds(oldest_kept),))
    connection.execute(
        submits.INSERT_IDEMPOTENCY_KEY,
        {
            "subscription_id": generation.subscription_id,
            "key": idempotency.key,
            "body_digest": idempotency.body_digest,
            "generation_id": generation.id,
            "created_at": microseconds(generation.created_at),
        },
    )
