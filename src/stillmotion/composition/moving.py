"""Move of an installation from its data directory to a PostgreSQL database, and to a bucket where one is named."""

import asyncio
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.directory.backup import restore_backup
from stillmotion.adapters.directory.data_directory import DataDirectory, used_data_directory
from stillmotion.adapters.identifiers import new_token
from stillmotion.adapters.objects import is_key
from stillmotion.adapters.store.sql.connections import StoreUnusable
from stillmotion.adapters.store.sql.generation_rows import Row
from stillmotion.adapters.store.sqlite.upkeep.departure import departure
from stillmotion.application.integrity import is_kept
from stillmotion.application.leases import Work
from stillmotion.application.ports.objects import ObjectStore
from stillmotion.application.storage_owner import refuse_anothers
from stillmotion.composition.installation import Missing, open_storage, opened, refuse_without_driver, storage_marks
from stillmotion.composition.secrets import secret_of
from stillmotion.config import Settings, SettingsError
from stillmotion.config.store_urls import is_shared, without_password

AT_ONCE: Final = 8
"""Number of objects that are copied side by side."""

_LOOKS: Final = "checks"
"""Folder of objects that a server writes to see if storage works."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Numbers of a move: of rows by table, and of objects."""

    rows: Mapping[str, int]
    objects: int


def move(settings: Settings, to: str, storage: str | None = None, backup: Path | None = None) -> Moved:
    """Move everything to the database `to`, and the objects to `storage`. The directory is refused by servers then.

    With a `backup` its content is moved, and the directory stays in use: a rehearsal. What was moved before an error is
    found again: objects are skipped, and rows come all together. Raises `StillmotionError`.
    """
    if is_shared(settings.store):
        raise SettingsError("store is PostgreSQL already: there is no data directory to move.")
    refuse_without_driver()
    with _source(settings, backup) as source:
        directory = used_data_directory(source.data_dir)
        directory.refuse_moved()
        with directory.lock():
            directory.refuse_workers()
            asyncio.run(_release(source))
            target = replace(source, storage=storage) if storage else None
            objects = 0 if target is None else asyncio.run(_copy_objects(directory, target))
            rows = copy_rows(directory.database, to, secret_of(source).fingerprints)
            if backup is None:
                directory.tell_moved(without_password(to))
    return Moved(rows, objects)


def copy_rows(database: Path, to: str, fingerprints: Sequence[bytes]) -> Mapping[str, int]:
    """Copy the rows of a SQLite database that nobody writes to, all or none. Returns their number by table.

    They are counted on both sides, and the fates of the generations compared. Raises `StoreUnusable`.
    """
    from stillmotion.adapters.store.postgresql.arrival import arrival

    counts = {}
    with departure(database) as here, arrival(to, fingerprints) as there:
        for table, columns in there.columns.items():
            there.copy(table, here.rows(table, columns))
            counts[table] = here.count(table)
            if there.count(table) != counts[table]:
                raise StoreUnusable(f"{table} has other rows after the move: nothing was moved; move again")
        if _digest(here.fates()) != _digest(there.fates()):
            raise StoreUnusable("generations are others after the move: nothing was moved; move again")
    return counts


def _digest(rows: Iterable[Row]) -> bytes:
    digest = hashlib.sha256()
    for row in rows:
        digest.update(repr(tuple(row)).encode())
    return digest.digest()


@contextmanager
def _source(settings: Settings, backup: Path | None) -> Iterator[Settings]:
    """The settings of what is moved."""
    if backup is None:
        yield settings
        return
    with TemporaryDirectory(prefix="stillmotion-move-") as folder:
        root = Path(folder) / "restored"
        restore_backup(backup, root)
        yield replace(settings, data_dir=root)


async def _release(settings: Settings) -> None:
    """Take back every lease: no worker renders, since the directory is locked."""
    with opened(settings, Missing.REFUSE) as store:
        await Work(store, open_storage(settings), SystemClock(), new_token).reclaim_all()


async def _copy_objects(directory: DataDirectory, target: Settings) -> int:
    """Copy the directory's objects to a bucket, and read each back. One that is there already is not sent again."""
    storage, keys = open_storage(target), _keys(directory.objects)
    await refuse_anothers(storage, storage_marks(target))
    copied = 0
    while some := list(islice(keys, AT_ONCE)):
        await asyncio.gather(*(_copy_object(directory.objects / key, key, storage) for key in some))
        copied += len(some)
    return copied


def _keys(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        key = path.relative_to(folder).as_posix()
        if path.is_file() and is_key(key) and not key.startswith(f"{_LOOKS}/"):
            yield key


async def _copy_object(path: Path, key: str, storage: ObjectStore) -> None:
    size, digest = await asyncio.to_thread(_facts, path)
    if await is_kept(storage, key, size, digest):
        return
    await storage.put_file(key, str(path))
    if not await is_kept(storage, key, size, digest):
        raise StoreUnusable(f"storage gives back another object for {key}: check the bucket, and move again")


def _facts(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()
