"""Opening of an installation, by commands and servers alike: its data directory, its database, its storage."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import Enum
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.directory.data_directory import (
    DataDirectory,
    data_directory,
    open_data_directory,
    used_data_directory,
)
from stillmotion.adapters.objects import open_objects
from stillmotion.adapters.store.sqlite import open_store, use_secret
from stillmotion.application.failpoints import Fault, no_fault
from stillmotion.application.ports.database import Store
from stillmotion.application.ports.objects import ObjectStore
from stillmotion.application.ports.store import Changed, Told, unwatched
from stillmotion.application.ports.values import Clock
from stillmotion.application.storage_owner import StorageTaken, refuse_anothers
from stillmotion.composition.secrets import fingerprints, given_secret, secret_of
from stillmotion.config import Settings, SettingsError
from stillmotion.config.store_urls import is_shared
from stillmotion.domain.errors import Unavailable


class Missing(Enum):
    """Treatment of a data directory that does not exist."""

    MAKE = "make"
    REFUSE = "refuse"


_CLOCK: Final = SystemClock()

SERVER_SESSIONS: Final = 8
WORKER_SESSIONS: Final = 2
"""Connections of a process to a shared store. A worker's changes are few, and there may be hundreds of workers."""


@contextmanager
def opened(
    settings: Settings,
    missing: Missing,
    changed: Told = unwatched,
    fault: Fault = no_fault,
    ended: Changed = unwatched,
    clock: Clock = _CLOCK,
    sessions: int = SERVER_SESSIONS,
) -> Iterator[Store]:
    """The store of an installation. Raises `StillmotionError` if it cannot be used, or parts of it are missing.

    A shared store carries out changes and lists over `sessions` connections at most. What is asked together, such as
    submits and polls, has one each beside them.
    """
    directory = directory_of(settings, missing)
    if is_shared(settings.store):
        refuse_without_driver()
        from stillmotion.adapters.store.postgresql import open_store as open_server

        known = secret_of(settings).fingerprints
        store: Store = open_server(settings.store, clock, changed, fault, known, ended, sessions)
    else:
        directory.keep_private()
        agreed = partial(fingerprints, settings, directory)
        store = open_store(directory.database, clock, changed, fault, agreed, ended)
    try:
        if settings.storage == "local" and not is_shared(settings.store):
            directory.refuse_lost_objects()
        yield store
    finally:
        store.close()


def refuse_without_driver() -> None:
    """Raise `SettingsError` where PostgreSQL's driver is not installed."""
    if find_spec("psycopg") is None:
        raise SettingsError(
            "store is PostgreSQL, and its driver is not installed: run `pip install 'stillmotion[postgres]'`, or leave "
            "store at local."
        )


def directory_of(settings: Settings, missing: Missing) -> DataDirectory:
    """The data directory, none of whose parts is lost. Raises `DataDirectoryUnusable`.

    With a store that is shared it holds this machine's own files alone, and is made where it is missing.
    """
    if is_shared(settings.store):
        return open_data_directory(settings.data_dir, alone=False)
    if missing is Missing.REFUSE:
        directory = used_data_directory(settings.data_dir)
    else:
        directory = open_data_directory(settings.data_dir)
        directory.refuse_lost_database()
    directory.refuse_moved()
    return directory


def open_storage(settings: Settings, fault: Fault = no_fault) -> ObjectStore:
    """The object storage of clips. Raises `StorageUnusable`."""
    folder = data_directory(settings.data_dir).objects
    return open_objects(settings.storage, folder, settings.storage_options, fault)


def storage_marks(settings: Settings) -> Sequence[str]:
    """The marks by which a bucket knows this installation, the present one first; none for a directory's storage.

    Raises as `secret_of` does.
    """
    return [] if settings.storage == "local" else [each.hex() for each in secret_of(settings).fingerprints]


async def replace_secret(settings: Settings) -> Path | None:
    """Replace the secret, in the database too. The answer is the file that keeps the old one, None if there was none.

    Where the settings give a secret, the database goes with that one from now on, and no file is made. A bucket of the
    installation's gets its new mark. Raises `DataDirectoryUnusable` if a server or a worker uses the directory, and
    `StoreUnusable` if one uses a shared store.
    """
    kept = None
    if is_shared(settings.store):
        refuse_without_driver()
        from stillmotion.adapters.store.postgresql import use_secret as use_secret_there

        before = use_secret_there(settings.store, secret_of(settings).fingerprints[0])
    else:
        directory = used_data_directory(settings.data_dir)
        with directory.lock():
            directory.refuse_workers()
            kept = directory.replace_secret() if given_secret(settings) is None else None
            before = use_secret(directory.database, secret_of(settings).fingerprints[0])
    if settings.storage != "local" and before is not None:
        # A bucket that is away keeps its mark, of which every server tells.
        with suppress(StorageTaken, Unavailable):
            await refuse_anothers(open_storage(settings), [*storage_marks(settings), before.hex()])
    return kept
