"""Backups of a data directory: one tar, taken while the server runs.

The tar is a bag of BagIt (RFC 8493), so that `sha256sum -c` verifies it. In the folder `stillmotion-backup` there are
`bagit.txt`, the payload `data/` with `secret`, `objects/…` and `stillmotion.db`, and at the end `manifest-sha256.txt`
and our own `manifest.json`. Backups of format 1 had no such folder, and the digests were in `manifest.json`.
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
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Final

import msgspec

from stillmotion.adapters.directory.data_directory import SECRET_BYTES, DataDirectory
from stillmotion.adapters.objects import is_key
from stillmotion.adapters.private_files import FOLDER_MODE
from stillmotion.adapters.secret import fingerprint_of
from stillmotion.adapters.store.sqlite.upkeep import maintenance
from stillmotion.domain.errors import StillmotionError
from stillmotion.outputs import Draft, Output

FORMAT: Final = 2
FORMATS_READ: Final = (1, FORMAT)
SECRET, DATABASE, MANIFEST = "secret", "stillmotion.db", "manifest.json"
OBJECTS = "objects/"
BAG, PAYLOAD = "stillmotion-backup/", "data/"
DECLARATION, DIGESTS = "bagit.txt", "manifest-sha256.txt"
DECLARED: Final = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
PIECE_BYTES: Final = 1024 * 1024
TAGS: Final = (DECLARATION, DIGESTS, MANIFEST)
_OF_EVERY_DISK: Final = "lost+found"
"""A folder that a disk has from its first day."""


class BackupUnusable(StillmotionError):
    """A backup that cannot be made or restored: the message names the file and the remedy."""


class ArchivedFile(msgspec.Struct, frozen=True):
    """The size and the digest of a file of the payload."""

    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, omit_defaults=True):
    """The content of a backup.

    `with_objects` is false where the objects were left out, or are in a bucket. `missing` are objects that a generation
    named and that were not in storage. `files` are kept in `manifest-sha256.txt`, with format 1 in `manifest.json`.
    """

    format: int
    version: str
    created_at: datetime
    with_objects: bool
    missing: list[str]
    files: dict[str, ArchivedFile] = {}

    @property
    def object_count(self) -> int:
        """The number of objects in it."""
        return sum(name.startswith(OBJECTS) for name in self.files)

    @property
    def total_bytes(self) -> int:
        """The size of everything in it."""
        return sum(each.size for each in self.files.values())


def write_backup(
    directory: DataDirectory, output: Output, *, with_objects: bool, now: datetime, version: str, secret: bytes
) -> Manifest:
    """Write a backup of everything that is committed at this moment, with the secret that the database was used with.

    Every object that a generation in it names is in it: the database is copied first, and a generation that is deleted
    while the objects are copied is deleted from the copy too. Raises `BackupUnusable`, `StoreUnusable`, and the errors
    of `stillmotion.outputs`.
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
                archive.tag(DECLARATION, DECLARED)
                maintenance.check_secret(copy, directory.database, fingerprint_of(secret))
                (Path(scratch) / SECRET).write_bytes(secret)
                archive.add(SECRET, Path(scratch) / SECRET)
                missing = _add_objects(archive, directory, copy, now) if with_objects else []
                archive.add(DATABASE, copy)
                lines = [f"{each.sha256}  {PAYLOAD}{name}\n" for name, each in archive.files.items()]
                archive.tag(DIGESTS, "".join(lines).encode())
                manifest = Manifest(FORMAT, version, now, with_objects, missing)
                # The last member: a tar that was cut off lacks it.
                archive.tag(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1))
        draft.publish()
    finally:
        draft.abandon()
    return msgspec.structs.replace(manifest, files=archive.files)


def _add_objects(archive: "_Archive", directory: DataDirectory, copy: Path, now: datetime) -> list[str]:
    """Add every object that the copy names. Returns those that are not there though their generation is."""
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
    """A tar that is being written, and the files of its payload."""

    tar: tarfile.TarFile
    files: dict[str, ArchivedFile] = field(default_factory=dict)

    def tag(self, name: str, content: bytes) -> None:
        member = tarfile.TarInfo(BAG + name)
        member.size, member.mode = len(content), 0o600
        self.tar.addfile(member, BytesIO(content))

    def add(self, name: str, path: Path) -> None:
        with path.open("rb") as file:
            member = tarfile.TarInfo(BAG + PAYLOAD + name)
            member.size, member.mode = os.fstat(file.fileno()).st_size, 0o600
            member.mtime = int(os.fstat(file.fileno()).st_mtime)
            # The digest is taken from the bytes that go into the tar: the file is read once.
            reading = _Digesting(file)
            self.tar.addfile(member, reading)  # type: ignore[arg-type]  # it reads, and that is all that is asked of it
        self.files[name] = ArchivedFile(member.size, reading.digest.hexdigest())


class _Digesting:
    """A file that is being read, and the digest of the bytes so far."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int) -> bytes:
        piece = self._file.read(size)
        self.digest.update(piece)
        return piece


def restore_backup(file: Path, root: Path) -> Manifest:
    """Make a data directory from a backup, whole or not at all. Raises `BackupUnusable` or `StoreUnusable`.

    `root`, or the folder that it links to, must be empty or not be there. An empty folder is filled as it is: it may be
    a disk of its own, or the one folder that we may write to. It stays empty until the whole backup has been verified.
    """
    root = Path(os.path.realpath(root))
    is_there = _check_empty(root)
    with _as_unusable(file), _folder_of(root):
        # In the same file system as the directory, so that a rename puts it in place.
        draft = (root if is_there else root.parent) / f".{root.name}.{secrets.token_hex(4)}"
        draft.mkdir(mode=0o700)
        try:
            (draft / OBJECTS).mkdir(mode=FOLDER_MODE)
            manifest = _extract(file, draft)
            _check(draft, manifest, file, root)
            # Everything is on disk before a name leads to it.
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
    """True for an empty folder, false where there is nothing yet. Raises `BackupUnusable` for anything else."""
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
    """The folders above `root`, made as far as they are missing, and removed again after an error."""
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
    """Move the draft's content into the directory: the database last, since no server starts without it."""
    for each in sorted(draft.iterdir(), key=lambda each: each.name == DATABASE):
        each.rename(root / each.name)
    draft.rmdir()


def _extract(file: Path, draft: Path) -> Manifest:
    """Write the payload into the draft. Returns the manifest, after every file was found to agree with its digest."""
    found: dict[str, ArchivedFile] = {}
    with tarfile.open(file, mode="r:") as tar:
        for member in tar:
            # In a backup of format 1 the names stand without these folders.
            name = member.name.removeprefix(BAG).removeprefix(PAYLOAD)
            if not (member.isreg() and _is_ours(name)) or name in found:
                raise BackupUnusable(f"{file} holds {member.name[:200]!r}, which no backup does: give another file")
            content = tar.extractfile(member)
            assert content is not None
            found[name] = _write(content, draft / name)
    manifest = _manifest(draft, file)
    tags = {name: found.pop(name) for name in TAGS if name in found}
    digests = {name: each.sha256 for name, each in manifest.files.items()}
    differing = sorted(
        name for name in digests.keys() | found if name not in found or digests.get(name) != found[name].sha256
    )
    if differing:
        raise BackupUnusable(f"{file} is damaged: {differing[0]} is not what was written; use another backup")
    for name in tags:
        (draft / name).unlink()
    return msgspec.structs.replace(manifest, files=found)


def _is_ours(name: str) -> bool:
    known = (SECRET, DATABASE, *TAGS)
    return name in known or (name.startswith(OBJECTS) and is_key(name.removeprefix(OBJECTS)))


def _write(content: IO[bytes], path: Path) -> ArchivedFile:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as writing:
        while piece := content.read(PIECE_BYTES):
            digest.update(piece)
            size += len(piece)
            writing.write(piece)
    return ArchivedFile(size, digest.hexdigest())


def _manifest(draft: Path, file: Path) -> Manifest:
    """The manifest as it was recorded: of format 2 with the digests alone, the sizes being 0."""
    try:
        manifest = msgspec.json.decode((draft / MANIFEST).read_bytes(), type=Manifest)
        if manifest.format == FORMAT:
            lines = (line.split("  ", 1) for line in (draft / DIGESTS).read_text("utf-8").splitlines())
            files = {name.removeprefix(PAYLOAD): ArchivedFile(0, digest) for digest, name in lines}
            manifest = msgspec.structs.replace(manifest, files=files)
    except (FileNotFoundError, ValueError, msgspec.MsgspecError) as error:
        raise BackupUnusable(f"{file} was broken off, or is no backup of ours: use another one") from error
    if manifest.format not in FORMATS_READ:
        raise BackupUnusable(
            f"{file} was written by another Stillmotion ({manifest.version}): restore it with that one"
        )
    return manifest


def _check(draft: Path, manifest: Manifest, file: Path, root: Path) -> None:
    """Refuse a backup without the files that a server starts with, or without an object that a generation names."""
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
    """The content of a backup, for scripts."""
    return {
        "created_at": manifest.created_at.isoformat(),
        "version": manifest.version,
        "with_objects": manifest.with_objects,
        "objects": manifest.object_count,
        "bytes": manifest.total_bytes,
        "missing": manifest.missing,
    }
