"""Data directory of a server: its layout, its lock, its secret, and the checks at a start."""

import errno
import fcntl
import os
import re
import secrets
import shlex
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from stillmotion.adapters.directory.worker_places import WorkerPlace, WorkerPlaces
from stillmotion.adapters.private_files import FILE_MODE, FOLDER_MODE, is_open_to_others, keep_private
from stillmotion.adapters.secret import fingerprint_of
from stillmotion.domain.errors import StillmotionError

SECRET_BYTES: Final = 32
_HELD_BY_ANOTHER: Final = (errno.EWOULDBLOCK, errno.EACCES)
_LOCK_TRIES: Final = 4
_LOCK_PAUSE_SECONDS: Final = 0.05


class DataDirectoryUnusable(StillmotionError):
    """An unusable data directory: the message names it and the remedy."""


class DataDirectoryInUse(DataDirectoryUnusable):
    """A data directory that another server holds."""


class DataDirectoryLock:
    """Lock of one server on its directory. The system releases it when the process ends, in any way."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Release the lock; may be called twice."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """Layout of a data directory. Made by `open_data_directory`."""

    root: Path

    @property
    def database(self) -> Path:
        """The SQLite file; its `-wal` and `-shm` lie beside it."""
        return self.root / "stillmotion.db"

    @property
    def objects(self) -> Path:
        """Pictures and clips of local storage."""
        return self.root / "objects"

    @property
    def scratch(self) -> Path:
        """Files of renders under way: emptied at every start."""
        return self.root / "scratch"

    @property
    def _secret(self) -> Path:
        return self.root / "secret"

    @property
    def _moved(self) -> Path:
        return self.root / "moved"

    @property
    def _lock(self) -> Path:
        return self.root / "lock"

    @property
    def has_secret(self) -> bool:
        """True for a directory that has been used."""
        return os.path.lexists(self._secret)

    @property
    def has_database(self) -> bool:
        """True if there is a database that is not empty."""
        try:
            return self.database.stat().st_size > 0
        except OSError:
            return False

    @property
    def was_served(self) -> bool:
        """True if a server ever held the directory."""
        return os.path.lexists(self._lock)

    def refuse_lost_database(self) -> None:
        """Raise `DataDirectoryUnusable` for a directory that lost its database: a new one would hide the loss.

        The secret is made after the first database, so a secret without a database means a loss.
        """
        if self.has_secret and not self.has_database:
            raise DataDirectoryUnusable(
                f"{self.database} is missing or empty, though this directory has been in use: "
                f"restore it from a backup, or move {self.root} away to start with nothing"
            )

    def refuse_others(self) -> None:
        """Raise `DataDirectoryUnusable` where files of something else have our names: a start would remove them."""
        with suppress(OSError):
            if os.path.lexists(self.database) or re.fullmatch(rb"[0-9]+\n", self._lock.read_bytes()):
                return
        for path in (self._lock, self.scratch, self.root / "fetched", self.objects):
            if path.is_file() or (path.is_dir() and any(path.iterdir())):
                raise DataDirectoryUnusable(
                    f"{path} is there without Stillmotion's database, and would be written over: choose an empty "
                    "directory, or restore the database from a backup"
                )

    def refuse_moved(self) -> None:
        """Raise `DataDirectoryUnusable` for a directory whose records were moved to another database."""
        try:
            address = self._moved.read_text("utf-8").strip()
        except OSError:
            return
        raise DataDirectoryUnusable(
            f"{self.root} was moved to {address}: set `store` to that address; to go back to what was here before the "
            f"move, remove {self._moved}"
        )

    def tell_moved(self, address: str) -> None:
        """Keep the address that the records were moved to. Raises `DataDirectoryUnusable`."""
        try:
            _publish_once(self._moved, f"{address}\n".encode())
        except OSError as error:
            raise _not_writable(self.root, error) from error

    def refuse_lost_objects(self) -> None:
        """Raise `DataDirectoryUnusable` if the database is there and the folder of its pictures and clips is not."""
        if self.has_database and not self.objects.is_dir():
            raise DataDirectoryUnusable(
                f"{self.objects} is missing, though {self.database} is there: copy it from where the database came "
                f"from, or restore both from a backup; to go on without the clips, make an empty folder of that name"
            )

    def refuse_unserved(self) -> None:
        """Raise `DataDirectoryUnusable` if no server ever ran here: a worker would never get work."""
        if not self.was_served:
            raise DataDirectoryUnusable(
                f"no server has run over {self.root} yet: start one with `{self.command('serve')}`, "
                "or give the --data-dir of the server"
            )

    def command(self, words: str) -> str:
        """A command over this directory, for a shell."""
        return f"stillmotion {words} --data-dir {shlex.quote(str(self.root))}"

    def refuse_workers(self) -> None:
        """Raise `DataDirectoryInUse` if a worker is running."""
        if self.workers.any_taken:
            raise DataDirectoryInUse(f"{self.root} is in use by a worker: stop it first")

    def keep_private(self) -> None:
        """Make the secret and the lock readable by the service's user alone. Folders keep the operator's modes."""
        for path in (self._secret, self._lock):
            keep_private(path)

    def open_to_others(self) -> list[Path]:
        """Paths that other users could read: our files, and our folders with reachable files."""
        beside = [self.database.with_name(f"{self.database.name}{ending}") for ending in ("-wal", "-shm")]
        own = (self.database, *beside, self._secret, self._lock, self.objects, self.scratch, self.workers.folder)
        return [path for path in own if is_open_to_others(path)]

    @property
    def holder(self) -> str | None:
        """Process id of the server that holds the directory; None without a server."""
        try:
            descriptor = os.open(self._lock, os.O_RDWR)
        except OSError:
            return None
        try:
            # A shared lock fails only while a server holds the exclusive one, and is released at the close.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
        finally:
            os.close(descriptor)
        return None

    @property
    def workers(self) -> WorkerPlaces:
        """Worker processes of this directory."""
        return WorkerPlaces(self.root / "workers")

    @contextmanager
    def join(self) -> Iterator[WorkerPlace]:
        """Work in the directory beside its server: see `WorkerPlaces.join`. Raises `DataDirectoryUnusable`."""
        with ExitStack() as stack:
            try:
                place = stack.enter_context(self.workers.join())
            except OSError as error:
                raise _not_writable(self.root, error) from error
            yield place

    def lock(self) -> DataDirectoryLock:
        """Lock the directory for this server alone, and empty `scratch` of the files of an earlier server.

        Raises `DataDirectoryInUse`, and `DataDirectoryUnusable` for a directory that cannot be written to.
        """
        try:
            descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT, FILE_MODE)
        except OSError as error:
            raise _not_writable(self.root, error) from error
        try:
            _lock_soon(descriptor)
        except OSError as error:
            if error.errno not in _HELD_BY_ANOTHER:
                os.close(descriptor)
                raise DataDirectoryUnusable(
                    f"{self._lock} cannot be locked ({error.strerror}): put the data directory on a local disk"
                ) from error
            holder = os.read(descriptor, 20).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise DataDirectoryInUse(
                f"{self.root} is in use by another server (process {holder or 'unknown'}): "
                "stop that one, or choose another data directory"
            ) from error
        try:
            # The lock file names its holder, for the error message of the next server.
            os.ftruncate(descriptor, 0)
            os.write(descriptor, b"%d\n" % os.getpid())
            shutil.rmtree(self.scratch, ignore_errors=True)
            self.scratch.mkdir(mode=FOLDER_MODE, exist_ok=True)
        except OSError as error:
            os.close(descriptor)
            raise _not_writable(self.root, error) from error
        return DataDirectoryLock(descriptor)

    def secret(self) -> bytes:
        """The 32 random bytes of this directory. Raises `DataDirectoryUnusable`.

        Keys are stored as hashes keyed with it: without it, every key must be issued anew.
        """
        path = self._secret
        remedy = (
            "copy it from where the database came from, or restore both from a backup; if it is lost, make a new one "
            f"with `{self.command('keys new-secret')}` and issue every key anew"
        )
        try:
            secret = path.read_bytes()
        except FileNotFoundError as error:
            raise DataDirectoryUnusable(
                f"{path} is missing, though {self.database} was used with it: {remedy}"
            ) from error
        except OSError as error:
            raise DataDirectoryUnusable(
                f"{path} cannot be read ({error.strerror}): it must be a file that the service's user can read"
            ) from error
        if len(secret) != SECRET_BYTES:
            raise DataDirectoryUnusable(f"{path} holds {len(secret)} bytes rather than {SECRET_BYTES}: {remedy}")
        return secret

    def make_secret(self) -> None:
        """Make the secret if there is none. Raises `DataDirectoryUnusable`."""
        if not self.has_secret:
            try:
                _publish_once(self._secret, secrets.token_bytes(SECRET_BYTES))
            except OSError as error:
                raise _not_writable(self.root, error) from error

    def replace_secret(self) -> Path | None:
        """Replace the secret. Returns the path that the old one was moved to; None if there was none."""
        kept = self._secret.with_name(f"secret.before-{secrets.token_hex(4)}")
        try:
            if os.path.lexists(self._secret):
                self._secret.rename(kept)
        except OSError as error:
            raise _not_writable(self.root, error) from error
        self.make_secret()
        return kept if os.path.lexists(kept) else None

    def fingerprint(self, may_make: bool = False) -> bytes:
        """Fingerprint of the secret, which does not reveal it. Raises as `secret`, unless one may be made."""
        if may_make:
            self.make_secret()
        return fingerprint_of(self.secret())


def open_data_directory(root: Path, *, alone: bool = True) -> DataDirectory:
    """The directory at `root`, made for this user alone if it is missing. Raises `DataDirectoryUnusable`.

    Its folders are made as long as there is no database. After that a missing folder is a loss. It holds the database
    if it is `alone`; otherwise this machine's files.
    """
    directory = data_directory(root)
    try:
        directory.root.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        if alone:
            directory.refuse_others()
        if not directory.has_database:
            directory.objects.mkdir(mode=FOLDER_MODE, exist_ok=True)
        directory.scratch.mkdir(mode=FOLDER_MODE, exist_ok=True)
    except OSError as error:
        raise DataDirectoryUnusable(
            f"{directory.root} cannot be made a data directory ({error.strerror}): choose another, or mend its "
            "permissions"
        ) from error
    return directory


def used_data_directory(root: Path) -> DataDirectory:
    """The used directory at `root`, unchanged. Raises `DataDirectoryUnusable`."""
    directory = data_directory(root)
    directory.refuse_lost_database()
    if not directory.has_database:
        found = "holds no Stillmotion database" if directory.root.exists() else "is not there"
        raise DataDirectoryUnusable(
            f"{directory.root} {found}: give the server's data directory with --data-dir or STILLMOTION_DATA_DIR"
        )
    return directory


def data_directory(root: Path) -> DataDirectory:
    """The directory at `root`, in any state. Raises `DataDirectoryUnusable` for a place that cannot be one."""
    if root.parts[:1] == ("~",):
        raise DataDirectoryUnusable(
            "no place for the data directory is known, since this user has no home: give one with --data-dir or "
            "STILLMOTION_DATA_DIR"
        )
    root = root.absolute()
    try:
        os.fsencode(root).decode()
    except UnicodeDecodeError as error:
        raise DataDirectoryUnusable(f"{os.fsencode(root)!r} is no UTF-8: give a directory whose name is") from error
    if os.path.lexists(root) and not os.access(root, os.R_OK | os.X_OK):
        raise DataDirectoryUnusable(
            f"{root} cannot be read by this user: give it to the service's user, or run this as that one"
        )
    return DataDirectory(root)


def _lock_soon(descriptor: int) -> None:
    """Lock the file. A process that only looks, or is just ending, is waited for a moment. Raises `OSError`."""
    for _ in range(_LOCK_TRIES):
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(_LOCK_PAUSE_SECONDS)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _not_writable(root: Path, error: OSError) -> DataDirectoryUnusable:
    return DataDirectoryUnusable(
        f"{root} cannot be written to ({error.strerror}): mend the disk or the permissions, or choose another directory"
    )


def _publish_once(path: Path, content: bytes) -> None:
    """Publish a file atomically, unless another process was first."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # Unlike a rename, a link never replaces a file: the first process wins.
        os.link(draft, path)
        # The name is durable only after an fsync of its folder.
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except FileExistsError:
        return
    finally:
        draft.unlink()
