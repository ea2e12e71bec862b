"""Signals between processes that share a store: gathered for a moment, sent, and told to the tasks elsewhere."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Final, NamedTuple

from stillmotion.adapters.notifications import InProcessChanges, InProcessSignal
from stillmotion.domain.errors import Unavailable
from stillmotion.domain.generation import Deletion, Generation
from stillmotion.domain.lifecycle import State

GATHERED_FOR: Final = 0.02
"""Seconds for which news are gathered into one message."""

LONGEST_PAYLOAD: Final = 7_900
"""Bytes of a message. PostgreSQL takes 8,000."""


class Topic(StrEnum):
    """Topic of a message, and its channel's name."""

    WORK = "stillmotion_work"
    CANCELS = "stillmotion_cancels"
    CHANGES = "stillmotion_changes"


class Message(NamedTuple):
    """Message to other processes: words of one topic, separated by spaces. A word is an id, or two with a colon."""

    topic: Topic
    words: str


class Outbox:
    """News that other processes are to hear, in the order they came, each once. A closed one keeps nothing."""

    def __init__(self, *, is_open: bool = True) -> None:
        self._is_open = is_open
        self._news: dict[tuple[Topic, str], None] = {}
        self._has_news = asyncio.Event()

    def add(self, topic: Topic, word: str = "") -> None:
        """Add a word."""
        if self._is_open:
            self._news[topic, word] = None
            self._has_news.set()

    async def gathered(self) -> Sequence[Message]:
        """The next messages, as soon as there are news and a moment has passed."""
        await self._has_news.wait()
        await asyncio.sleep(GATHERED_FOR)
        news, self._news = self._news, {}
        self._has_news.clear()
        return [
            message for topic in Topic for message in _packed(topic, (word for each, word in news if each is topic))
        ]


def _packed(topic: Topic, words: Iterable[str]) -> list[Message]:
    """The messages of one topic, none of them too long."""
    packed: list[str] = []
    for word in words:
        if packed and len(packed[-1]) + 1 + len(word) <= LONGEST_PAYLOAD:
            packed[-1] += f" {word}"
        else:
            packed.append(word)
    return [Message(topic, each) for each in packed]


class SharedSignal(InProcessSignal):
    """A `QueueSignal` that other processes hear, too."""

    def __init__(self, outbox: Outbox) -> None:
        super().__init__()
        self._outbox = outbox

    def notify(self) -> None:
        """See `QueueSignal.notify`."""
        self.wake()
        self._outbox.add(Topic.WORK)

    def withdraw(self, generation_id: str) -> None:
        """See `QueueSignal.withdraw`."""
        self.hear_withdrawal(generation_id)
        self._outbox.add(Topic.CANCELS, generation_id)

    def hear_withdrawal(self, generation_id: str) -> None:
        """Wake the worker of a generation in this process."""
        super().withdraw(generation_id)


class SharedChanges(InProcessChanges):
    """`Changes` that other processes hear, too, but for progress: that is seen by a look at the row."""

    def __init__(self, outbox: Outbox) -> None:
        super().__init__()
        self._outbox = outbox
        self._at_work: set[tuple[str, int]] = set()

    def tell(self, change: Generation | Deletion) -> None:
        """See `Changes.tell`."""
        super().tell(change)
        if not self._is_progress(change):
            self._outbox.add(Topic.CHANGES, f"{change.id}:{change.subscription_id}")

    def hear(self, change: Generation | Deletion) -> None:
        """Tell the watches of this process of another's change."""
        super().tell(change)

    def _is_progress(self, change: Generation | Deletion) -> bool:
        """True for a further change of an attempt that was told to have begun."""
        if isinstance(change, Deletion):
            return False
        attempt = change.id, change.attempt
        if change.state is not State.DREAMING:
            self._at_work.discard(attempt)
            return False
        is_known = attempt in self._at_work
        self._at_work.add(attempt)
        return is_known


class Switchboard:
    """The signals of a process, and what it does with the messages of others. `find` reads a changed generation."""

    def __init__(self, *, is_open: bool = True) -> None:
        self.outbox = Outbox(is_open=is_open)
        self.signal, self.changes = SharedSignal(self.outbox), SharedChanges(self.outbox)
        self.announcements = InProcessSignal()

    async def hear(self, message: Message, find: Callable[[str], Awaitable[Generation | None]]) -> None:
        """Take a message of another process."""
        match message.topic:
            case Topic.WORK:
                self.signal.wake()
            case Topic.CANCELS:
                for word in message.words.split():
                    self.signal.hear_withdrawal(word)
            case Topic.CHANGES:
                self.announcements.wake()
                pairs = [word.partition(":")[::2] for word in message.words.split()]
                watched = [pair for pair in pairs if self.changes.is_watched(*pair)]
                await asyncio.gather(*(self._tell(*pair, find) for pair in watched))

    async def _tell(self, generation_id: str, owner: str, find: Callable[[str], Awaitable[Generation | None]]) -> None:
        with suppress(Unavailable):  # The watches look by themselves.
            self.changes.hear(await find(generation_id) or Deletion(generation_id, owner))

    def wake_all(self) -> None:
        """Wake all who wait, because messages may have been missed."""
        self.signal.wake()
        self.announcements.wake()
