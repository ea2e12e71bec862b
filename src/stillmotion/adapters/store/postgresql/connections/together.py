"""Questions of many tasks that one thread answers together, as many as came while the last were answered."""

import asyncio
import queue
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar, cast

from stillmotion.domain.errors import StoreUnavailable

MOST: Final = 256
"""Largest number of questions that are answered together: the first waits for the last."""

Q = TypeVar("Q")
A = TypeVar("A")
Answers = Callable[[Sequence[Q]], Sequence[A | Exception]]
"""Function that answers questions in their order, each with an answer or with an error."""


class _Asked(Generic[Q, A]):
    """A question, the future that its task awaits, and the answer."""

    __slots__ = ("answer", "future", "loop", "question")

    def __init__(self, question: Q) -> None:
        self.question = question
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[A] = self.loop.create_future()
        self.answer: A | Exception | None = None

    def hand_over(self) -> None:
        """Resolve the future, on its loop's thread, unless the task was cancelled meanwhile."""
        answer, self.answer = self.answer, None
        if self.future.done():
            return
        if isinstance(answer, Exception):
            self.future.set_exception(answer)
        else:
            self.future.set_result(cast(A, answer))


class Together(Generic[Q, A]):
    """A thread that answers the questions of any number of event loops.

    A question that comes alone is answered at once. Those that come while it is answered wait, and share the next time.
    """

    def __init__(self, name: str, answers: Answers[Q, A]) -> None:
        self._answers = answers
        self._queue: queue.SimpleQueue[_Asked[Q, A] | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    async def ask(self, question: Q) -> A:
        """The answer. Raises what the answer is, if that is an error, or `StoreUnavailable`."""
        asked: _Asked[Q, A] = _Asked(question)
        with self._gate:
            if self._closed:
                raise StoreUnavailable("the store is closed")
            self._queue.put(asked)
        return await asked.future

    def close(self) -> None:
        """Answer what was asked, then end the thread. Further questions are refused; may be called twice."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        is_open = True
        while is_open:
            batch: list[_Asked[Q, A]] = []
            is_open = self._take(batch, self._queue.get())
            while is_open and len(batch) < MOST and not self._queue.empty():
                is_open = self._take(batch, self._queue.get())
            if batch:
                self._answer(batch)

    @staticmethod
    def _take(batch: list[_Asked[Q, A]], asked: _Asked[Q, A] | None) -> bool:
        if asked is None:
            return False
        batch.append(asked)
        return True

    def _answer(self, batch: list[_Asked[Q, A]]) -> None:
        answers: Sequence[A | Exception]
        try:
            answers = self._answers([asked.question for asked in batch])
        except Exception as error:  # This thread must survive any error: all such questions go through it.
            answers = [error] * len(batch)
        by_loop: defaultdict[asyncio.AbstractEventLoop, list[_Asked[Q, A]]] = defaultdict(list)
        for asked, answer in zip(batch, answers, strict=True):
            asked.answer = answer
            by_loop[asked.loop].append(asked)
        for loop, of_loop in by_loop.items():
            try:
                loop.call_soon_threadsafe(_wake, of_loop)
            except RuntimeError:
                continue  # The loop is closed: no task waits there.


def _wake(batch: list[_Asked[Q, A]]) -> None:
    for asked in batch:
        asked.hand_over()
