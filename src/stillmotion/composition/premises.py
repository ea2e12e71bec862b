"""Premises of a process: its place on this machine, its store, its clock, and the signals that reach it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.database_clock import DatabaseClock
from stillmotion.adapters.directory.data_directory import DataDirectory, open_data_directory
from stillmotion.adapters.directory.worker_places import WorkerPlace
from stillmotion.adapters.notifications import InProcessChanges, InProcessSignal
from stillmotion.adapters.shared_signals import Switchboard, Topic
from stillmotion.application.failpoints import Fault
from stillmotion.application.ports.database import Store
from stillmotion.application.ports.notifications import Changes, QueueSignal
from stillmotion.application.ports.store import Changed
from stillmotion.application.ports.values import Clock
from stillmotion.composition.installation import (
    SERVER_SESSIONS,
    WORKER_SESSIONS,
    Missing,
    directory_of,
    opened,
)
from stillmotion.config import Settings
from stillmotion.config.store_urls import is_shared
from stillmotion.domain.operators.processes import ProcessRole

MOST_LISTENERS: Final = 50
"""Processes with which a worker still listens where `signals` is auto."""

log = structlog.get_logger(__name__)


class Place(NamedTuple):
    """Place of a process: the data directory, and the folder that is its own there, None for the directory's server."""

    directory: DataDirectory
    own: WorkerPlace | None

    @property
    def scratch(self) -> Path:
        """Files of the renders under way."""
        return self.directory.scratch if self.own is None else self.own.scratch


class Premises(NamedTuple):
    """The parts that all others stand on. `signal` wakes workers, `announcements` the deliverer of callbacks."""

    place: Place
    store: Store
    clock: Clock
    signal: QueueSignal
    announcements: QueueSignal
    changes: Changes


@asynccontextmanager
async def premises(settings: Settings, role: ProcessRole, fault: Fault, ended: Changed) -> AsyncIterator[Premises]:
    """The premises of a server or a worker, for as long as it runs. Raises `StillmotionError`."""
    missing = Missing.MAKE if role is ProcessRole.SERVER else Missing.REFUSE
    with _place(settings, role) as place:
        if not is_shared(settings.store):
            changes = InProcessChanges()
            with opened(settings, missing, changes.tell, fault, ended) as store:
                yield Premises(place, store, SystemClock(), InProcessSignal(), InProcessSignal(), changes)
            return
        clock, board = DatabaseClock(), Switchboard(is_open=settings.signals != "poll")
        sessions = SERVER_SESSIONS if role is ProcessRole.SERVER else WORKER_SESSIONS
        with opened(settings, missing, board.changes.tell, fault, ended, clock, sessions) as store:
            await clock.measure(store.time)
            await _tell_local_storage(settings, place.directory, store, clock)
            messages = await _messages(settings, role, store, clock, board)
            async with running(clock.follow(store.time), *messages):
                yield Premises(place, store, clock, board.signal, board.announcements, board.changes)


async def _tell_local_storage(settings: Settings, directory: DataDirectory, store: Store, clock: Clock) -> None:
    """Log where the clips of this process can be seen by none of the others that share the store.

    It is a warning, no refusal: one folder for all is allowed, and other hosts may have it by a network share.
    """
    if settings.storage != "local":
        return
    here, now = socket.gethostname(), clock.now()
    living = [each for each in await store.processes() if not each.is_silent(now)]
    log.warning(
        "storage_is_local",
        setting="storage",
        folder=str(directory.objects),
        other_hosts=sorted({each.name.host for each in living} - {here}),
        why="a process with another folder, such as one on another machine, answers 404 for the clips in this one",
        remedy="set storage to s3://bucket/prefix, or let all processes have this one folder",
    )


async def _messages(
    settings: Settings, role: ProcessRole, store: Store, clock: Clock, board: Switchboard
) -> list[Coroutine[None, None, None]]:
    """The work of sending messages and hearing those of other processes, as the setting `signals` says.

    A server hears them all. A worker hears those that are haste for it; in a large fleet it only looks by itself, as
    each message costs the database a little for every listener.
    """
    if settings.signals == "poll":
        return []
    from stillmotion.adapters.store.postgresql.signals import PostgresMessages

    topics: tuple[Topic, ...] = tuple(Topic) if role is ProcessRole.SERVER else (Topic.WORK, Topic.CANCELS)
    if settings.signals == "auto" and role is ProcessRole.WORKER:
        now = clock.now()
        living = [each for each in await store.processes() if not each.is_silent(now)]
        topics = topics if len(living) < MOST_LISTENERS else ()
    return [PostgresMessages(settings.store, board, store.find, topics).run()]


@asynccontextmanager
async def running(*work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Background tasks, cancelled on the way out."""
    # No task group: where one of them fails, the others go on.
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def _place(settings: Settings, role: ProcessRole) -> Iterator[Place]:
    """The place of a process. A server over a store of its own has the directory's lock.

    Over a shared store the directory is this machine's alone, and any number of processes work there side by side.
    """
    if is_shared(settings.store):
        directory = open_data_directory(settings.data_dir, alone=False)
    elif role is ProcessRole.SERVER:
        directory = directory_of(settings, Missing.MAKE)
        with directory.lock():
            yield Place(directory, None)
        return
    else:
        directory = directory_of(settings, Missing.REFUSE)
        directory.refuse_unserved()
    with directory.join() as own:
        yield Place(directory, own)
