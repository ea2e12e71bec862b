"""Claims that share a transaction: the virtual clock is held once, and each finds the generation whose turn it is."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from stillmotion.adapters.store.postgresql.connections.opening import PostgresSession
from stillmotion.adapters.store.postgresql.connections.threads import Transaction, finish
from stillmotion.adapters.store.postgresql.queries import claims
from stillmotion.adapters.store.sql.connections import Connection
from stillmotion.adapters.store.sql.deliveries import from_delivery
from stillmotion.adapters.store.sql.generation_rows import (
    from_claim,
    from_line,
    from_progress,
    microseconds,
    to_generation,
    to_line,
)
from stillmotion.adapters.store.sql.operators.controls import to_controls
from stillmotion.adapters.store.sql.queries import lines
from stillmotion.application.ports.store import Change, EngineLimit, Engines
from stillmotion.domain.callbacks import caused_by
from stillmotion.domain.errors import LeaseLost
from stillmotion.domain.fairness import Line
from stillmotion.domain.generation import Generation
from stillmotion.domain.operators.queue_controls import QueueControls, WorkerName
from stillmotion.domain.record.attempts import begun

_encode_json: Final = msgspec.json.Encoder().encode


class ClaimQuestion(NamedTuple):
    """Arguments of `GenerationStore.claim_next`, and the present time."""

    claim: Change
    engines: Engines
    passed_over: Collection[str]
    worker: WorkerName
    within: EngineLimit | None
    now: datetime


@dataclass(slots=True)
class _Turn:
    """The transaction's part of the queue that others cannot change: virtual time, controls, the very front."""

    time: int
    controls: QueueControls
    has_urgent: bool


def may_claim(connection: Connection, questions: Sequence[ClaimQuestion]) -> Sequence[bool]:
    """True for each for which something waits just now."""
    rows, waiting = connection.execute(claims.LOOK).get
    controls = to_controls([tuple(row) for row in rows])
    return [any(map(engines.include, waiting)) for engines in (_engines(each, controls) for each in questions)]


def claim_together(
    session: PostgresSession, questions: Sequence[ClaimQuestion]
) -> Sequence[Generation | Exception | None]:
    """Answers of `GenerationStore.claim_next` for the first question, and for those after it that need no wait.

    They are as if the claims were made one after another. Every claim of the installation waits for the clock's row, so
    it is not held while the disk is waited for.
    """
    ((time,),), ((rows, has_urgent),) = session.begin(claims.HOLD_CLOCK, claims.UNDER_CLOCK)
    turn = _Turn(time, to_controls([tuple(row) for row in rows]), has_urgent)
    return finish(lambda: _claims(Transaction(session), turn, questions), session, session.commit_early)


def _claims(
    connection: Connection, turn: _Turn, questions: Sequence[ClaimQuestion]
) -> Sequence[Generation | Exception | None]:
    answers: list[Generation | Exception | None] = []
    for each in questions:
        found = _next(connection, turn, each)
        if found is None:
            answers.append(None)
            continue
        hold = claims.TAKE_LINE if any(answers) else claims.HOLD_LINE
        line = connection.execute(hold, {"owner": found[0].subscription_id}).get
        if line is None and any(answers):
            break
        try:
            answers.append(_claimed(connection, turn, each, *found, to_line(line)))
        except LeaseLost as error:
            answers.append(error)
    return answers


def _engines(question: ClaimQuestion, controls: QueueControls) -> Engines:
    """The engines of a question, less those that are paused. None for a worker that may claim nothing."""
    if controls.stop(question.worker):
        return Engines(others=False)
    return question.engines.without(controls.paused_engines)


def _next(connection: Connection, turn: _Turn, question: ClaimQuestion) -> tuple[Generation, bool] | None:
    """The generation that is next, held, and true if it is at the very front."""
    engines = _engines(question, turn.controls)
    within = question.within
    if not engines.others and not engines.named:
        return None
    if within is not None and connection.execute(lines.LEASED_OF, (within.engine,)).get >= within.most:
        return None
    wanted = from_claim(engines, question.passed_over)[:3]
    urgent = connection.execute(claims.NEXT_URGENT, wanted).get if turn.has_urgent else None
    if urgent is not None:
        return to_generation(urgent), True
    row = connection.execute(claims.NEXT_QUEUED, wanted).get
    return None if row is None else (to_generation(row), False)


def _claimed(
    connection: Connection, turn: _Turn, question: ClaimQuestion, before: Generation, is_urgent: bool, line: Line
) -> Generation:
    """The generation after its claim. One at the very front takes no turn: the virtual time stays."""
    after, now = question.claim(before), question.now
    moved, time = line.after(before, after, turn.time, now)
    turn.time = turn.time if is_urgent else time
    attempt, delivery = begun(before, after, question.worker.id, now), caused_by(before, after, now)
    given: dict[str, Any] = {
        **from_progress(after),
        **from_line(moved),
        "fence": before.attempt,
        "owner": before.subscription_id,
        "worker": question.worker.id,
        "began_at": microseconds(now if attempt is None else attempt.started_at),
        "time": turn.time,
        "deliveries": _encode_json([] if delivery is None else [from_delivery(delivery)]).decode(),
    }
    if connection.execute(claims.KEEP_CLAIM, given).get is None:
        raise LeaseLost(f"{before.id} is past attempt {before.attempt}")
    return after
