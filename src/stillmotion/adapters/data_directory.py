"""The directory that a server keeps everything in, and the claims on it: one server's, and any number of workers'."""

import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from stillmotion.domain.errors import StillmotionError

SECRET_BYTES: Final = 32
_LOCK_TRIES: Final = 4
_LOCK_PAUSE_SECONDS: Final = 0.05


class DataDirectoryUnusable(StillmotionError):
    """The directory cannot be used as it is: the message names it and the remedy."""


class DataDirectoryInUse(DataDirectoryUnusable):
    """Another server holds the directory."""


class DataDirectoryLock:
    """One server's hold on its directory. The system lets go of it when the process ends, however it ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Let another server have the directory; may be called twice."""
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
    """Where things are in it. Made by `open_data_directory`."""

    root: Path

    @property
    def database(self) -> Path:
        """The SQLite file; its `-wal` and `-shm` lie beside it."""
        return self.root / "stillmotion.db"

    @property
    def objects(self) -> Path:
        """Pictures and clips, where storage is local."""
        return self.root / "objects"

    @property
    def scratch(self) -> Path:
        """What renders write before it is published: emptied at every start."""
        return self.root / "scratch"

    @property
    def _secret(self) -> Path:
        return self.root / "secret"

    @property
    def _workers(self) -> Path:
        return self.root / "workers"

    @property
    def has_secret(self) -> bool:
        """Whether the directory has been used."""
        return self._secret.exists()

    def refuse_lost_database(self) -> None:
        """Raise `DataDirectoryUnusable` where there was a database and is none: an empty one would hide the loss.

        The secret is made after the first database, so where it is there was one.
        """
        empty = not self.database.exists() or self.database.stat().st_size == 0
        if empty and self.has_secret:
            raise DataDirectoryUnusable(
                f"{self.database} is missing or empty, though this directory has been in use: "
                f"restore it from a backup, or move {self.root} away to start with nothing"
            )

    @property
    def holder(self) -> str | None:
        """The process id of the server that holds the directory, None where none does."""
        try:
            descriptor = os.open(self.root / "lock", os.O_RDWR)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
        finally:
            os.close(descriptor)
        return None

    @property
    def has_workers(self) -> bool:
        """Whether a worker process of its own has joined and is still there."""
        return any(_is_locked(place / "lock") for place in _places(self._workers))

    @contextmanager
    def join(self) -> Iterator[Path]:
        """Work in the directory beside whoever holds it; yields a scratch folder of this process alone.

        What workers that were killed left behind is removed. Raises `DataDirectoryUnusable` where nothing can be
        written.
        """
        try:
            place, descriptor = self._new_place()
        except OSError as error:
            raise _not_writable(self.root, error) from error
        try:
            yield place / "scratch"
        finally:
            shutil.rmtree(place, ignore_errors=True)
            os.close(descriptor)

    def _new_place(self) -> tuple[Path, int]:
        """A folder for one worker, and the lock that says for as long as it is open that the worker is there."""
        self._workers.mkdir(mode=0o700, exist_ok=True)
        entrance = os.open(self._workers, os.O_RDONLY)
        try:
            fcntl.flock(entrance, fcntl.LOCK_EX)  # One at a time: what is not locked yet would look left behind.
            for left in _places(self._workers):
                if not _is_locked(left / "lock"):
                    shutil.rmtree(left, ignore_errors=True)
            place = self._workers / secrets.token_hex(8)
            place.mkdir(mode=0o700)
            descriptor = os.open(place / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            return place, descriptor
        finally:
            os.close(entrance)

    def lock(self) -> DataDirectoryLock:
        """Hold the directory for this server alone. Raises `DataDirectoryInUse`.

        Whoever left something in `scratch` is gone then, and so is what was left. Raises `DataDirectoryUnusable` where
        nothing can be written, too.
        """
        try:
            descriptor = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise _not_writable(self.root, error) from error
        try:
            _lock_soon(descriptor)
        except OSError as error:
            holder = os.read(descriptor, 20).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise DataDirectoryInUse(
                f"{self.root} is in use by another server (process {holder or 'unknown'}): "
                "stop that one, or choose another data directory"
            ) from error
        try:
            os.ftruncate(descriptor, 0)
            os.write(descriptor, b"%d\n" % os.getpid())
            shutil.rmtree(self.scratch, ignore_errors=True)
            self.scratch.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            os.close(descriptor)
            raise _not_writable(self.root, error) from error
        return DataDirectoryLock(descriptor)

    def secret(self) -> bytes:
        """The directory's own 32 random bytes, made at the first call. Raises `DataDirectoryUnusable`.

        Keys are stored hashed under it: without it, every key must be issued anew.
        """
        path = self._secret
        if not path.exists():
            try:
                _publish_once(path, secrets.token_bytes(SECRET_BYTES))
            except OSError as error:
                raise _not_writable(self.root, error) from error
        try:
            secret = path.read_bytes()
        except OSError as error:
            raise DataDirectoryUnusable(f"{path} cannot be read ({error.strerror}): make it readable to us") from error
        if len(secret) != SECRET_BYTES:
            raise DataDirectoryUnusable(
                f"{path} holds {len(secret)} bytes rather than {SECRET_BYTES}: restore it from a backup, "
                "or delete it and issue every key anew"
            )
        return secret


def open_data_directory(root: Path) -> DataDirectory:
    """The directory at `root`, made for this user alone where there is none. Raises `DataDirectoryUnusable`."""
    root = root.absolute()
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (root / "objects", root / "scratch"):
            folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise DataDirectoryUnusable(
            f"{root} cannot be made a data directory ({error.strerror}): choose another, or mend its permissions"
        ) from error
    return DataDirectory(root)


def _places(workers: Path) -> list[Path]:
    try:
        return [place for place in workers.iterdir() if place.is_dir()]
    except FileNotFoundError:
        return []


def _is_locked(file: Path) -> bool:
    """Whether the process that made the lock file is still there."""
    try:
        descriptor = os.open(file, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _lock_soon(descriptor: int) -> None:
    """Lock the file, waiting a moment for who only looks or is just about to end. Raises `OSError`."""
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
    """Let the file appear whole, unless another process was first."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except FileExistsError:
        return
    finally:
        draft.unlink()
