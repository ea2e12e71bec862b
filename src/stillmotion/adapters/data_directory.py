"""The directory that a server keeps everything in, and its claim on it."""

import fcntl
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from stillmotion.domain.errors import StillmotionError

SECRET_BYTES: Final = 32


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

    def lock(self) -> DataDirectoryLock:
        """Hold the directory for this server alone. Raises `DataDirectoryInUse`.

        Whoever left something in `scratch` is gone then, and so is what was left.
        """
        descriptor = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(descriptor, 20).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise DataDirectoryInUse(
                f"{self.root} is in use by another server (process {holder or 'unknown'}): "
                "stop that one, or choose another data directory"
            ) from error
        os.ftruncate(descriptor, 0)
        os.write(descriptor, b"%d\n" % os.getpid())
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(mode=0o700, exist_ok=True)
        return DataDirectoryLock(descriptor)

    def secret(self) -> bytes:
        """The directory's own 32 random bytes, made at the first call. Raises `DataDirectoryUnusable`.

        Keys are stored hashed under it: without it, every key must be issued anew.
        """
        path = self.root / "secret"
        if not path.exists():
            _publish_once(path, secrets.token_bytes(SECRET_BYTES))
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
