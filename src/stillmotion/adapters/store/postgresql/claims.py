"""Claims that share a transaction: the virtual clock is held once, and each finds the generation whose turn it is."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, Final, NamedTuple

import msgspec
from psycopg import errors

from stillmotion.adapters.store.postgresql.connections.opening import PostgresSession
from stillmotion.adapters.store.postgresql.connections.threads import Threads, finish
from stillmotion.adapters.store.postgresql.queries import claims
from stillmotion.adapters.store.postgresql.queries.dialect import translated
from stillmotion.adapters.store.sql.deliveries import from_delivery
from stillmotion.adapters.store.sql.generation_rows import (
    Row,
    from_line,
    from_progress,
    microseconds,
    to_generation,
    to_line,
)
from stillmotion.adapters.store.sql.operators.controls import to_controls
from stillmotion.adapters.store.sql.queries.columns import COLUMNS
from stillmotion.application.ports.store import Change, EngineLimit, Engines
from stillmotion.domain.callbacks import caused_by
from stillmotion.domain.errors import LeaseLost, StoreUnavailable
from stillmotion.domain.fairness import Line
from stillmotion.domain.generation import Generation
from stillmotion.domain.operators.queue_controls import QueueControls, WorkerName
from stillmotion.domain.record.attempts import begun

_COLUMNS: Final = COLUMNS.split(", ")
_NO_CONTROLS: Final = "[]"

_encode_json: Final = msgspec.json.Encoder().encode
_decode_rows: Final = msgspec.json.Decoder(list[tuple[Any, ...]]).decode

Answers = Sequence[Generation | Exception | None]


class ClaimQuestion(NamedTuple):
    """Arguments of `GenerationStore.claim_next`, and the present time."""

    claim: Change
    engines: Engines
    passed_over: Collection[str]
    worker: WorkerName
    within: EngineLimit | None
    now: datetime


class _Next(NamedTuple):
    """Answer of `next_claim`: the controls as JSON, the virtual time, the row that is next, its subscription's line.

    An urgent one takes no turn. Another transaction may hold the line.
    """

    controls: str
    time: int
    is_urgent: bool
    row: Mapping[str, Any] | None
    line: tuple[int, int, int] | None


_decode_next: Final = msgspec.json.Decoder(_Next).decode


class Claims:
    """Answers claims that came together. One that fails spoils no other.

    Where the last ones found all that they asked for, more is likely to wait, and the look is spared.
    """

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._is_claiming = False
        self._controls = _NO_CONTROLS

    def __call__(self, questions: Sequence[ClaimQuestion]) -> Answers:
        """The answers of `GenerationStore.claim_next`, in the order of the questions."""
        epoch = self._threads.epoch
        may: Sequence[bool] = [True] * len(questions)
        if not self._is_claiming:
            may = self._threads.patiently(partial(_may_claim, questions))
        hopeful = [each for each, is_hopeful in zip(questions, may, strict=True) if is_hopeful]
        answers = self._by_turns(hopeful, epoch)
        claimed = iter(answers)
        self._is_claiming = all(may) and all(isinstance(each, Generation) for each in answers)
        return [next(claimed) if is_hopeful else None for is_hopeful in may]

    def _by_turns(self, questions: Sequence[ClaimQuestion], epoch: int) -> Answers:
        """As many in a transaction as need no wait, and each in its own once one failed."""
        if not questions:
            return []
        try:
            answers = self._threads.timed(partial(self._together, questions), epoch)
        except Exception as error:  # What a caller's own function raises is that caller's.
            if len(questions) == 1 or isinstance(error, StoreUnavailable):
                return [error] * len(questions)
            return [answer for each in questions for answer in self._by_turns([each], epoch)]
        return [*answers, *self._by_turns(questions[len(answers) :], epoch)]

    def _together(self, questions: Sequence[ClaimQuestion], session: PostgresSession) -> Answers:
        batch = _Batch(session, self._controls)
        answers = batch.claim(questions)
        self._controls = batch.controls
        return answers


class _Batch:
    """A transaction of claims, as if they were made one after another. A message keeps a claim and asks for the next.

    Every claim of the installation waits for the clock's row, so it is not held while the disk is waited for.
    """

    def __init__(self, session: PostgresSession, controls: str) -> None:
        self._session = session
        self.controls = controls
        self._answers: list[Generation | None] = []
        self._unsent: list[str] = []

    def claim(self, questions: Sequence[ClaimQuestion]) -> Answers:
        """Answers for the first question, and for those after it that need no wait."""
        rows = self._session.begin(self._next(questions[0]))
        finish(lambda: self._answer(questions, rows), self._session, self._commit)
        return self._answers

    def _answer(self, questions: Sequence[ClaimQuestion], rows: Sequence[Sequence[Row]]) -> None:
        for question in questions:
            found = _decode_next((rows or self._send(self._next(question)))[-1][0][0])
            rows = ()
            while found.controls != self.controls:
                self.controls = found.controls
                found = _decode_next(self._send(self._next(question))[-1][0][0])
            if found.row is None:
                self._answers.append(None)
            elif found.line is None:
                return
            else:
                self._answers.append(self._claimed(question, found, found.row, to_line(found.line)))

    def _send(self, statement: str) -> Sequence[Sequence[Row]]:
        unsent, self._unsent = self._unsent, []
        return self._session.send(*unsent, statement)

    def _next(self, question: ClaimQuestion) -> str:
        """The statement that finds the generation whose turn it is. It waits for a line where none is held yet."""
        engines = _engines(question, _to_controls(self.controls))
        engine, most = question.within or (None, None)
        asked = {
            "controls": self.controls,
            "passed_over": sorted(question.passed_over),
            "named": sorted(engines.named),
            "others": int(engines.others),
            "within": engine,
            "most": most,
            "may_wait": not any(self._answers),
        }
        return self._call("next_claim", asked)

    def _claimed(self, question: ClaimQuestion, found: _Next, row: Mapping[str, Any], line: Line) -> Generation:
        """The generation after its claim. One at the very front takes no turn: the virtual time stays."""
        before = _to_generation(row)
        after, now = question.claim(before), question.now
        moved, time = line.after(before, after, found.time, now)
        attempt, delivery = begun(before, after, question.worker.id, now), caused_by(before, after, now)
        given: Mapping[str, Any] = {
            **from_progress(after),
            **from_line(moved),
            "fence": before.attempt,
            "owner": before.subscription_id,
            "worker": question.worker.id,
            "began_at": microseconds(now if attempt is None else attempt.started_at),
            "virtual_time": found.time if found.is_urgent else time,
            "deliveries": [],
        }
        self._unsent.append(self._call("keep_claim", given))
        if delivery is not None:
            self._unsent.append(self._call("keep_callbacks", [from_delivery(delivery)]))
        return after

    def _call(self, function: str, given: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> str:
        return f"SELECT {function}({self._session.literal(_encode_json(given).decode())})"

    def _commit(self) -> None:
        if not any(self._answers):
            self._session.roll_back()
            return
        try:
            self._session.commit_early(*self._unsent)
        except errors.RaiseException as error:
            raise LeaseLost(str(error.diag.message_primary)) from error


def _may_claim(questions: Sequence[ClaimQuestion], session: PostgresSession) -> Sequence[bool]:
    """True for each for which something waits just now."""
    ((rows, waiting),) = session.link.execute(translated(claims.LOOK)).fetchall()
    controls = to_controls([tuple(row) for row in rows])
    return [any(map(engines.include, waiting)) for engines in (_engines(each, controls) for each in questions)]


def _engines(question: ClaimQuestion, controls: QueueControls) -> Engines:
    """The engines of a question, less those that are paused. None for a worker that may claim nothing."""
    if controls.stop(question.worker):
        return Engines(others=False)
    return question.engines.without(controls.paused_engines)


def _to_generation(row: Mapping[str, Any]) -> Generation:
    """A queued generation, which has no lease. Columns that this version does not know are passed over."""
    # JSON has one kind of number.
    known = {**row, "progress": float(row["progress"]), "lease_until": None}
    return to_generation(tuple(known[name] for name in _COLUMNS))


@lru_cache(maxsize=8)
def _to_controls(controls: str) -> QueueControls:
    return to_controls(_decode_rows(controls))
