"""Backups of a data directory: one tar, taken while the server runs.

It holds `secret`, `objects/…`, `stillmotion.db` and at its end `manifest.json`, with the size and SHA-256 of each.
"""

import hashlib
import os
import secrets
import shutil
import tarfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Final

import msgspec

from stillmotion.adapters.directory.data_directory import SECRET_BYTES, DataDirectory
from stillmotion.adapters.objects import is_key
from stillmotion.adapters.private_files import FOLDER_MODE
from stillmotion.adapters.store.sqlite import maintenance
from stillmotion.domain.errors import StillmotionError
from stillmotion.outputs import Draft, Output

FORMAT: Final = 1
SECRET, DATABASE, MANIFEST = "secret", "stillmotion.db", "manifest.json"
OBJECTS = "objects/"
PIECE_BYTES: Final = 1024 * 1024
_OF_EVERY_DISK: Final = "lost+found"


class BackupUnusable(StillmotionError):
    """A backup that cannot be made or restored: the message names the file and the remedy."""


class ArchivedFile(msgspec.Struct, frozen=True):
    """What a member of the tar must be."""

    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds.

    `with_objects` is false where the objects were left out, or are in a bucket. `missing` are objects that a generation
    named and that were not in storage.
    """

    format: int
    version: str
    created_at: datetime
    with_objects: bool
    files: dict[str, ArchivedFile]
    missing: list[str]

    @property
    def object_count(self) -> int:
        """How many objects are in it."""
        return sum(name.startswith(OBJECTS) for name in self.files)

    @property
    def total_bytes(self) -> int:
        """Of everything in it."""
        return sum(each.size for each in self.files.values())


def write_backup(
    directory: DataDirectory, output: Output, *, with_objects: bool, now: datetime, version: str
) -> Manifest:
    """Write a backup of everything that is committed at this moment. Raises `BackupUnusable` or `StoreUnusable`.

    Every object that a generation in it names is in it: the database is copied first, and what is deleted while the
    objects are copied is deleted from the copy too. Raises what `stillmotion.outputs` does, too.
    """
    if not directory.database.exists():
        raise BackupUnusable(f"{directory.root} holds no database: give the server's own --data-dir")
    draft = Draft(output)
    # The copies hold secrets, and may be large: beside the backup where that is a file, for their owner alone.
    beside = output.real.parent if output.is_file else None
    try:
        with _as_unusable(output), TemporaryDirectory(prefix=".stillmotion-backup-", dir=beside) as scratch:
            copy = Path(scratch) / DATABASE
            maintenance.copy_database(directory.database, copy)
            with tarfile.open(fileobj=draft.file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                archive = _Archive(tar)
                maintenance.check_secret(copy, directory.database, directory.fingerprint())
                archive.add(SECRET, directory.root / SECRET)
                missing = _add_objects(archive, directory, copy, now) if with_objects else []
                archive.add(DATABASE, copy)
                manifest = Manifest(FORMAT, version, now, with_objects, archive.files, missing)
                described = Path(scratch) / MANIFEST
                described.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
                tar.add(described, MANIFEST)
        draft.publish()
    finally:
        draft.abandon()
    return manifest


def _add_objects(archive: "_Archive", directory: DataDirectory, copy: Path, now: datetime) -> list[str]:
    """Add every object that the copy names; those that are not there though their generation is."""
    absent: defaultdict[str, list[str]] = defaultdict(list)
    for generation_id, key in maintenance.named_objects(copy):
        try:
            archive.add(OBJECTS + key, directory.objects / key)
        except FileNotFoundError:
            absent[generation_id].append(key)
    # A row goes before its objects: where the row is still there, its object was lost, not deleted.
    damaged = maintenance.existing(directory.database, absent)
    maintenance.forget(copy, absent.keys() - damaged, now)
    return [key for generation_id in sorted(damaged) for key in absent[generation_id]]


@dataclass
class _Archive:
    """A tar that is being written, and what is in it."""

    tar: tarfile.TarFile
    files: dict[str, ArchivedFile] = field(default_factory=dict)

    def add(self, name: str, path: Path) -> None:
        with path.open("rb") as file:
            member = tarfile.TarInfo(name)
            member.size, member.mode = os.fstat(file.fileno()).st_size, 0o600
            member.mtime = int(os.fstat(file.fileno()).st_mtime)
            reading = _Digesting(file)
            self.tar.addfile(member, reading)  # type: ignore[arg-type]  # it reads, and that is all that is asked of it
        self.files[name] = ArchivedFile(member.size, reading.digest.hexdigest())


class _Digesting:
    """A file that is being read, and the digest of what was."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int) -> bytes:
        piece = self._file.read(size)
        self.digest.update(piece)
        return piece


def restore_backup(file: Path, root: Path) -> Manifest:
    """Make a data directory from a backup, whole or not at all. Raises `BackupUnusable` or `StoreUnusable`.

    `root`, or what it leads to, must not be there, or be an empty folder: which is filled as it is, since it may be a
    disk of its own, or the one folder that we may write to. Nothing is in it before all has been read and found as it
    was written.
    """
    root = Path(os.path.realpath(root))
    is_there = _check_empty(root)
    with _as_unusable(file), _folder_of(root):
        draft = (root if is_there else root.parent) / f".{root.name}.{secrets.token_hex(4)}"
        draft.mkdir(mode=0o700)
        try:
            manifest = _extract(file, draft)
            _check(draft, manifest, file, root)
            (draft / OBJECTS).mkdir(mode=FOLDER_MODE, exist_ok=True)
            os.sync()
            if is_there:
                _move_up(draft, root)
            else:
                draft.rename(root)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
    return manifest


def _check_empty(root: Path) -> bool:
    """Whether the folder is there, and has nothing in it. Raises `BackupUnusable` for whatever is something else."""
    there = next(each for each in (root, *root.parents) if each.exists())
    if not there.is_dir():
        raise BackupUnusable(f"{there} is a file: give --data-dir a directory that is not there yet, or is empty")
    if there != root:
        return False
    held = next((each.name for each in root.iterdir() if each.name != _OF_EVERY_DISK), None)
    if held is not None:
        raise BackupUnusable(
            f"{root} is not empty, it holds {held}: give --data-dir a directory that is not there yet, or is empty"
        )
    return True


@contextmanager
def _folder_of(root: Path) -> Iterator[None]:
    """Where the directory is to be, made where need be, and gone again where it came to nothing."""
    missing = [each for each in root.parents if not each.exists()]
    for each in reversed(missing):
        each.mkdir()
    try:
        yield
    except BaseException:
        for each in missing:
            with suppress(OSError):
                each.rmdir()
        raise


def _move_up(draft: Path, root: Path) -> None:
    """Let what is in the draft be in the directory: the database last, without which no server starts with the rest."""
    for each in sorted(draft.iterdir(), key=lambda each: each.name == DATABASE):
        each.rename(root / each.name)
    draft.rmdir()


def _extract(file: Path, draft: Path) -> Manifest:
    """Write the members into the draft; the manifest, which they were found to agree with."""
    found: dict[str, ArchivedFile] = {}
    with tarfile.open(file, mode="r:") as tar:
        for member in tar:
            if not (member.isreg() and _is_ours(member.name)) or member.name in found:
                raise BackupUnusable(f"{file} holds {member.name[:200]!r}, which no backup does: give another file")
            content = tar.extractfile(member)
            assert content is not None
            found[member.name] = _write(content, draft / member.name)
    found.pop(MANIFEST, None)
    manifest = _manifest(draft / MANIFEST, file)
    if manifest.files != found:
        differing = sorted(
            name for name in manifest.files.keys() | found if manifest.files.get(name) != found.get(name)
        )
        raise BackupUnusable(f"{file} is damaged: {differing[0]} is not what was written; use another backup")
    (draft / MANIFEST).unlink()
    return manifest


def _is_ours(name: str) -> bool:
    return name in (SECRET, DATABASE, MANIFEST) or (name.startswith(OBJECTS) and is_key(name.removeprefix(OBJECTS)))


def _write(content: IO[bytes], path: Path) -> ArchivedFile:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as writing:
        while piece := content.read(PIECE_BYTES):
            digest.update(piece)
            size += len(piece)
            writing.write(piece)
    return ArchivedFile(size, digest.hexdigest())


def _manifest(path: Path, file: Path) -> Manifest:
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except (FileNotFoundError, msgspec.MsgspecError) as error:
        raise BackupUnusable(f"{file} was broken off, or is no backup of ours: use another one") from error
    if manifest.format != FORMAT:
        raise BackupUnusable(
            f"{file} was written by another Stillmotion ({manifest.version}): restore it with that one"
        )
    return manifest


def _check(draft: Path, manifest: Manifest, file: Path, root: Path) -> None:
    """Everything is there that a server starts with, and every object that a generation names."""
    lacking = sorted({SECRET, DATABASE} - manifest.files.keys())
    if lacking or manifest.files[SECRET].size != SECRET_BYTES:
        raise BackupUnusable(f"{file} lacks a good {(lacking or [SECRET])[0]}: use another backup")
    maintenance.check_database(draft / DATABASE)
    maintenance.check_secret(draft / DATABASE, root / DATABASE, DataDirectory(draft).fingerprint())
    if manifest.with_objects:
        there = manifest.files.keys() | {OBJECTS + key for key in manifest.missing}
        for generation_id, key in maintenance.named_objects(draft / DATABASE):
            if OBJECTS + key not in there:
                raise BackupUnusable(f"{file} lacks {key} of generation {generation_id}: use another backup")


@contextmanager
def _as_unusable(file: Path | Output) -> Iterator[None]:
    try:
        yield
    except tarfile.TarError as error:
        raise BackupUnusable(f"{file} was broken off, or is no backup of ours: use another one") from error
    except OSError as error:
        where = error.filename or file
        raise BackupUnusable(f"{where}: {error.strerror or error}; make room or mend that, and try again") from error


def described(manifest: Manifest) -> Mapping[str, Any]:
    """What a backup holds, for scripts."""
    return {
        "created_at": manifest.created_at.isoformat(),
        "version": manifest.version,
        "with_objects": manifest.with_objects,
        "objects": manifest.object_count,
        "bytes": manifest.total_bytes,
        "missing": manifest.missing,
    }
