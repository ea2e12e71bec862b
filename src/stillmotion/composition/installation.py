"""Opens what an installation keeps: its data directory, the database in it, the storage. Commands and servers alike."""

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Final

from stillmotion.adapters.directory.data_directory import (
    DataDirectory,
    data_directory,
    open_data_directory,
    used_data_directory,
)
from stillmotion.adapters.objects import open_objects
from stillmotion.adapters.store.sqlite import SqliteStore, open_store, use_secret
from stillmotion.application.failpoints import Fault, no_fault
from stillmotion.application.ports.objects import ObjectStore
from stillmotion.application.ports.store import Changed, unwatched
from stillmotion.config import Settings

KEYS: Final = b"subscription keys"
LINKS: Final = b"asset links"
"""What each secret that we derive from the data directory's is for."""


class Missing(Enum):
    """What becomes of a data directory that is not there."""

    MAKE = "make"
    REFUSE = "refuse"


@contextmanager
def opened(
    settings: Settings, missing: Missing, changed: Changed = unwatched, fault: Fault = no_fault
) -> Iterator[SqliteStore]:
    """The store of a data directory. Raises `StillmotionError` for one that is incomplete or not all of one piece."""
    directory = directory_of(settings, missing)
    directory.keep_private()
    store = open_store(directory.database, changed=changed, fault=fault, fingerprint=directory.fingerprint)
    try:
        if settings.storage == "local":
            directory.refuse_lost_objects()
        yield store
    finally:
        store.close()


def directory_of(settings: Settings, missing: Missing) -> DataDirectory:
    """The data directory, with whatever was in it before still there. Raises `DataDirectoryUnusable`."""
    if missing is Missing.REFUSE:
        directory = used_data_directory(settings.data_dir)
    else:
        directory = open_data_directory(settings.data_dir)
        directory.refuse_lost_database()
    return directory


def open_storage(settings: Settings, fault: Fault = no_fault) -> ObjectStore:
    """Where clips are kept. Raises `StorageUnusable`."""
    folder = data_directory(settings.data_dir).objects
    return open_objects(settings.storage, folder, settings.storage_options, fault)


def replace_secret(settings: Settings) -> Path | None:
    """Make a new secret and let the database know it; where the old one is kept, None where there was none.

    Raises `DataDirectoryUnusable` where a server or a worker uses the directory.
    """
    directory = used_data_directory(settings.data_dir)
    with directory.lock():
        directory.refuse_workers()
        kept = directory.replace_secret()
        use_secret(directory.database, directory.fingerprint())
    return kept


def derived(directory: DataDirectory, purpose: bytes) -> bytes:
    """A secret of its own for each purpose. Raises `DataDirectoryUnusable`."""
    return hmac.digest(directory.secret(), purpose, "sha256")
