"""Port of the object store: clips, thumbnails, previews, uploads."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What storage knows of an object: bytes, a strong validator, time of writing."""

    size: int
    etag: str
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object that was found by looking: size in bytes, time of writing."""

    key: str
    size: int
    modified_at: datetime


class ObjectStore(Protocol):
    """Pictures and clips. An object appears whole or not at all. Raises `Unavailable` where storage is."""

    async def put(self, key: str, content: bytes) -> None:
        """Store bytes under a key; on disk, or acknowledged by the remote store, before returning."""
        ...

    async def put_file(self, key: str, path: str) -> None:
        """Store a file's bytes under a key, as `put` does."""
        ...

    async def find(self, key: str) -> StoredObject | None:
        """What is known of an object, None where there is none."""
        ...

    def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from `start` up to but not including `end`, in pieces."""
        ...

    async def fetch_file(self, key: str, path: str) -> None:
        """Copy an object to a file. Raises `KeyError` where there is none."""
        ...

    async def delete(self, key: str) -> None:
        """Remove an object; nothing happens where there is none."""
        ...

    def list(self, folder: str) -> AsyncIterator[Sequence[ListedObject]]:
        """All objects whose key begins with `folder` and a slash, some at a time. They may be deleted meanwhile."""
        ...

    async def move(self, key: str, destination: str) -> None:
        """Give an object another key; nothing happens where there is none."""
        ...

    async def sweep_unfinished(self, before: datetime) -> int:
        """Remove what was half written and left so before that time; how much there was.

        A store that leaves nothing half written, or clears it away itself, has nothing to do.
        """
        ...

    def direct_url(self, key: str, lifetime: timedelta) -> str | None:
        """A presigned URL where the store itself can serve the object, else None."""
        ...

    async def check(self) -> None:
        """Raise `Unavailable` where the store cannot be written to."""
        ...
