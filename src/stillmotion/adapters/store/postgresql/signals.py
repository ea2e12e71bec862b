"""Messages between processes over PostgreSQL, on connections of their own.

A NOTIFY inside a transaction that must be durable makes all such commits of the server go one after another. So
messages are sent after the commits, together, and nobody waits for the disk.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Final

import psycopg
import structlog

from stillmotion.adapters.shared_signals import Message, Switchboard, Topic
from stillmotion.adapters.store.postgresql.connections.opening import conninfo
from stillmotion.domain.generation import Generation

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds before a lost connection is opened anew."""

_SEND: Final = "SELECT pg_notify(%s, %s)"
_ASYNCHRONOUS: Final = "SET synchronous_commit = off"

log = structlog.get_logger(__name__)


class PostgresMessages:
    """Sending and hearing of messages, until it is cancelled. One that is lost is lost: all who wait look themselves.

    It hears the `topics`; with none it only sends.
    """

    def __init__(
        self,
        url: str,
        switchboard: Switchboard,
        find: Callable[[str], Awaitable[Generation | None]],
        topics: Collection[Topic],
    ) -> None:
        self._parameters = conninfo(url)
        self._switchboard, self._find, self._topics = switchboard, find, topics
        self._own: int | None = None

    async def run(self) -> None:
        """Send and hear until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._again(self._send))
            if self._topics:
                group.create_task(self._again(self._hear))

    async def _again(self, work: Callable[["_Link"], Awaitable[None]]) -> None:
        """Do work with a connection, and with another one whenever that is lost."""
        pause = FIRST_PAUSE
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(self._parameters, autocommit=True) as link:
                    pause = FIRST_PAUSE
                    await work(link)
            except (psycopg.Error, OSError) as error:
                log.info("signals_interrupted", why=str(error).splitlines()[0])
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _send(self, link: "_Link") -> None:
        await link.execute(_ASYNCHRONOUS)
        self._own = link.info.backend_pid
        while True:
            for message in await self._switchboard.outbox.gathered():
                await link.execute(_SEND, (message.topic.value, message.words))

    async def _hear(self, link: "_Link") -> None:
        cursor = await link.execute("SELECT pg_backend_pid()")
        if await cursor.fetchone() != (link.info.backend_pid,):
            log.warning(
                "signals_not_heard", why="a pooler lends servers for a transaction", remedy="set signals = poll"
            )
            await asyncio.Event().wait()
        for topic in self._topics:
            await link.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(topic.value)))
        self._switchboard.wake_all()
        async for notice in link.notifies():
            if notice.pid != self._own:
                await self._switchboard.hear(Message(Topic(notice.channel), notice.payload), self._find)


_Link = psycopg.AsyncConnection[tuple[Any, ...]]
