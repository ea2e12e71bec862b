"""Port of the object store: clips, thumbnails, previews, uploads."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A stored object: its size in bytes, a strong validator, the time of writing."""

    size: int
    etag: str
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class ListedObject:
    """A listed object: its size in bytes, the time of writing."""

    key: str
    size: int
    modified_at: datetime


class ObjectStore(Protocol):
    """Store of pictures and clips. An object appears whole or not at all. Methods raise `Unavailable`."""

    async def put(self, key: str, content: bytes) -> None:
        """Store bytes under a key; on disk, or acknowledged by the remote store, before returning."""
        ...

    async def put_file(self, key: str, path: str) -> None:
        """Store a file's bytes under a key, as `put` does."""
        ...

    async def create(self, key: str, content: bytes) -> bytes:
        """Store bytes under a key that no object has; of several callers one succeeds.

        The answer is the content of the key, which another may have stored.
        """
        ...

    async def find(self, key: str) -> StoredObject | None:
        """The facts of an object; None if it does not exist."""
        ...

    def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from `start` up to but not including `end`, in pieces."""
        ...

    async def whole(self, key: str) -> tuple[StoredObject, bytes] | None:
        """The facts and all bytes of a small object, of one moment, while others replace it. None without one."""
        ...

    async def fetch_file(self, key: str, path: str) -> None:
        """Copy an object to a file. Raises `KeyError` if it does not exist."""
        ...

    async def delete(self, key: str) -> None:
        """Remove an object, if it exists."""
        ...

    def list(self, folder: str) -> AsyncIterator[Sequence[ListedObject]]:
        """All objects whose key begins with `folder` and a slash, some at a time. They may be deleted meanwhile."""
        ...

    async def move(self, key: str, destination: str) -> None:
        """Give an object another key, if it exists."""
        ...

    async def sweep_unfinished(self, before: datetime) -> int:
        """Remove half-written objects from before that time; the answer is their number.

        A store that leaves none, or removes them itself, does nothing.
        """
        ...

    def direct_url(self, key: str, lifetime: timedelta) -> str | None:
        """A presigned URL if the store itself can serve the object, else None: also while its credentials are fetched.

        It may be the URL that was given out some minutes ago, unless it is a preview's. It dies after `lifetime` at the
        latest, and with the credentials that signed it.
        """
        ...

    async def check(self) -> None:
        """Raise `Unavailable` if the store cannot be written to."""
        ...
