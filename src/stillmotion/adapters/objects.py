"""Pictures and clips in a local directory or a bucket, through obstore."""

import asyncio
import os
import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import AzureStore, GCSStore, LocalStore, S3Store

from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.signed_urls import BoundedSigner, SignedUrls
from stillmotion.application.failpoints import Fault, Point, no_fault
from stillmotion.application.ports.objects import ListedObject, ObjectStore, StoredObject
from stillmotion.application.ports.values import Clock
from stillmotion.domain.assets import CONTENT_TYPES, PREVIEW_SUFFIX, AssetKind
from stillmotion.domain.errors import StillmotionError, Unavailable

PIECE_BYTES: Final = 128 * 1024
"""Bytes that `read` yields at a time; the last piece may be shorter."""

WRITE_BYTES: Final = 1024 * 1024
"""Bytes written to a file at a time."""

LISTED_AT_ONCE: Final = 500

KEY_MAX_CHARACTERS: Final = 512
_KEY: Final = re.compile(r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*")

_CLOCK: Final = SystemClock()

_UNFINISHED: Final = re.compile(r"#\d+$")

_CONTENT_TYPES: Final = {"mp4": CONTENT_TYPES[AssetKind.VIDEO], "jpg": CONTENT_TYPES[AssetKind.THUMBNAIL]}
"""Content type by a key's ending: a bucket that serves the object itself sends it to the browser."""

RESULT_CACHING: Final = "private, max-age=3600"
"""Caching of a result that a bucket serves itself: as the service's own downloads have it."""

CHECK_KEY: Final = "checks/write"

CONNECT_TIMEOUT: Final = timedelta(seconds=5)
ANSWER_TIMEOUT: Final = timedelta(seconds=15)
"""Limit of a request that a caller of ours waits for: an uploaded picture, or a question about an object."""
TRANSFER_TIMEOUT: Final = timedelta(minutes=5)
"""Limit of a request with the whole body of a clip."""
STALL_TIMEOUT: Final = timedelta(seconds=60)
"""Limit of silence from a bucket: after a part of a clip was sent (5 MB), or within a clip that is fetched."""
RETRIES: Final = 3
RETRY_FOR: Final = timedelta(seconds=10)
"""Time after which a failed request is not repeated."""


_Bucket = S3Store | GCSStore | AzureStore
_BUCKETS: Final[Mapping[str, type[_Bucket]]] = {"s3": S3Store, "gs": GCSStore, "az": AzureStore}
"""Kinds of bucket by the scheme of their URL: Amazon S3 and its like, Google Cloud Storage, Azure Blob Storage."""


class StorageUnusable(StillmotionError):
    """The storage settings cannot work: the message names the setting and the remedy."""


def is_key(key: str) -> bool:
    """True for a valid object key: segments of plain characters, and no step upwards."""
    if len(key) > KEY_MAX_CHARACTERS or _KEY.fullmatch(key) is None:
        return False
    return all(segment.strip(".") for segment in key.split("/"))


class _Objects(ABC):
    """Common part of local and remote storage. A name that is not a valid key names no object."""

    def __init__(self, store: LocalStore | _Bucket, transfers: _Bucket | None = None) -> None:
        self._store: Any = store
        self._transfers: Any = transfers or store

    async def put(self, key: str, content: bytes) -> None:
        """See `ObjectStore.put`. Raises `ValueError` for an invalid key."""
        await self._put(key, content)

    async def put_file(self, key: str, path: str) -> None:
        """See `ObjectStore.put_file`. Raises `ValueError` for an invalid key."""
        await self._put(key, Path(path))

    async def create(self, key: str, content: bytes) -> bytes:
        """See `ObjectStore.create`. Raises `ValueError` for an invalid key."""
        if not is_key(key):
            raise ValueError(f"{key!r} cannot name an object")
        with _as_unavailable():
            with suppress(AlreadyExistsError):
                await self._store.put_async(key, content, mode="create")
            found = await self._store.get_async(key)
            return bytes(await found.bytes_async())

    async def find(self, key: str) -> StoredObject | None:
        """See `ObjectStore.find`."""
        if not is_key(key):
            return None
        with _as_unavailable():
            try:
                found = await self._store.head_async(key)
            except FileNotFoundError:
                return None
        return StoredObject(found["size"], found["e_tag"] or "", found["last_modified"])

    async def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """See `ObjectStore.read`. Raises `KeyError` for an unknown object."""
        if not is_key(key):
            raise KeyError(key)
        if start >= end:
            return
        with _as_unavailable():
            try:
                found = await self._transfers.get_async(key, options={"range": (start, end)})
            except FileNotFoundError:
                raise KeyError(key) from None
            async for piece in found.stream(min_chunk_size=PIECE_BYTES):
                yield bytes(piece)

    async def whole(self, key: str) -> tuple[StoredObject, bytes] | None:
        """See `ObjectStore.whole`."""
        if not is_key(key):
            return None
        with _as_unavailable():
            try:
                found = await self._store.get_async(key)
                content = bytes(await found.bytes_async())
            except FileNotFoundError:
                return None
        return StoredObject(len(content), found.meta["e_tag"] or "", found.meta["last_modified"]), content

    async def fetch_file(self, key: str, path: str) -> None:
        """See `ObjectStore.fetch_file`."""
        if not is_key(key):
            raise KeyError(key)
        with _as_unavailable():
            try:
                found = await self._transfers.get_async(key)
            except FileNotFoundError:
                raise KeyError(key) from None
            # A thread writes one piece and ends. A thread that waited for the store could not be cancelled.
            file = await asyncio.to_thread(Path(path).open, "wb")
            try:
                async for piece in found.stream(min_chunk_size=WRITE_BYTES):
                    await asyncio.to_thread(file.write, piece)
            finally:
                await asyncio.to_thread(file.close)

    async def delete(self, key: str) -> None:
        """See `ObjectStore.delete`."""
        if not is_key(key):
            return
        with _as_unavailable():
            try:
                await self._store.delete_async(key)
            except FileNotFoundError:
                return

    async def list(self, folder: str) -> AsyncIterator[Sequence[ListedObject]]:
        """See `ObjectStore.list`."""
        with _as_unavailable():
            async for found in self._store.list(folder, chunk_size=LISTED_AT_ONCE):
                # Files of other programs may lie there; their names are not valid keys.
                ours = [each for each in found if is_key(each["path"])]
                yield [ListedObject(each["path"], each["size"], each["last_modified"]) for each in ours]

    async def move(self, key: str, destination: str) -> None:
        """See `ObjectStore.move`. Raises `ValueError` for an invalid key."""
        for name in (key, destination):
            if not is_key(name):
                raise ValueError(f"{name!r} cannot name an object")
        with _as_unavailable():
            try:
                await self._store.rename_async(key, destination)
            except FileNotFoundError:
                return

    async def check(self) -> None:
        """See `ObjectStore.check`."""
        await self._put(CHECK_KEY, b"ok")

    async def _put(self, key: str, content: bytes | Path) -> None:
        if not is_key(key):
            raise ValueError(f"{key!r} cannot name an object")
        with _as_unavailable():
            await self._store_whole(key, content)

    @abstractmethod
    async def _store_whole(self, key: str, content: bytes | Path) -> None:
        """Store under a valid key. The object is durable when this returns."""


class LocalObjects(_Objects):
    """`ObjectStore` over a directory."""

    def __init__(self, directory: Path, fault: Fault = no_fault) -> None:
        super().__init__(LocalStore(directory, mkdir=True, automatic_cleanup=True))
        self._directory = directory
        self._fault = fault

    def direct_url(self, key: str, lifetime: timedelta) -> None:
        """None: a directory has no web server."""
        del key, lifetime

    async def create(self, key: str, content: bytes) -> bytes:
        """See `ObjectStore.create`."""
        held = await super().create(key, content)
        with _as_unavailable():
            await asyncio.to_thread(self._settle, key)
        return held

    async def sweep_unfinished(self, before: datetime) -> int:
        """See `ObjectStore.sweep_unfinished`."""
        with _as_unavailable():
            return await asyncio.to_thread(self._sweep_unfinished, before.timestamp())

    def _sweep_unfinished(self, before: float) -> int:
        """Remove old temporary files, `NAME#NUMBER`: a process that was killed before obstore's rename leaves one."""
        swept = 0
        # Folders may be removed meanwhile: `os.walk` ignores that.
        for path in (Path(folder, name) for folder, _, names in os.walk(self._directory) for name in names):
            with suppress(FileNotFoundError):
                if _UNFINISHED.search(path.name) and path.is_file() and path.stat().st_mtime < before:
                    path.unlink()
                    swept += 1
        return swept

    async def _store_whole(self, key: str, content: bytes | Path) -> None:
        if not self._directory.is_dir():
            # The folder was moved, removed, or is not mounted. obstore would make a new and empty one.
            raise Unavailable(f"the folder {self._directory.name} of the data directory is gone")
        # obstore writes a temporary file and renames it, but calls no fsync.
        await self._store.put_async(key, content)
        if isinstance(content, Path):
            self._fault(Point.PUBLISH_UNSETTLED)
        await asyncio.to_thread(self._settle, key)

    def _settle(self, key: str) -> None:
        """Sync the file and every folder above it, which hold its name."""
        path = self._directory / key
        _sync(path)
        while path != self._directory:
            path = path.parent
            _sync(path)


class BucketObjects(_Objects):
    """`ObjectStore` over a bucket; `transfers` has more patience than `store`."""

    def __init__(self, store: _Bucket, transfers: _Bucket, clock: Clock) -> None:
        super().__init__(store, transfers)
        self._sign = BoundedSigner(self._signed)
        self._urls = SignedUrls(self._sign, clock)

    def direct_url(self, key: str, lifetime: timedelta) -> str | None:
        """See `ObjectStore.direct_url`."""
        return self._sign(key, lifetime) if key.endswith(PREVIEW_SUFFIX) else self._urls.url(key, lifetime)

    def _signed(self, key: str, lifetime: timedelta) -> str:
        with _as_unavailable():
            return obstore.sign(self._store, "GET", key, lifetime)

    async def sweep_unfinished(self, before: datetime) -> int:
        """0: a lifecycle rule of the bucket removes incomplete uploads."""
        del before
        return 0

    async def _store_whole(self, key: str, content: bytes | Path) -> None:
        kind = _CONTENT_TYPES.get(key.rpartition(".")[2], "application/octet-stream")
        attributes = {"Content-Type": kind}
        if isinstance(content, Path):
            # A result: another object than a preview, which is replaced under its key.
            await self._transfers.put_async(key, content, attributes=attributes | {"Cache-Control": RESULT_CACHING})
        else:
            await self._store.put_async(key, content, attributes=attributes)


def open_objects(
    storage: str,
    directory: Path,
    options: Mapping[str, str] | None = None,
    fault: Fault = no_fault,
    clock: Clock = _CLOCK,
) -> ObjectStore:
    """The store that `storage` names: `local` (in `directory`) or `s3://bucket/prefix`. Raises `StorageUnusable`.

    `gs://` and `az://` name buckets of Google and Azure. `options` are obstore's options of that kind of bucket: for S3
    `region`, `endpoint`, `access_key_id`, `secret_access_key` and so on. Options that are left out come from the places
    where the tools of the bucket's maker look.
    """
    if storage == "local":
        return LocalObjects(directory, fault)
    kind = _BUCKETS.get(storage.partition("://")[0])
    if kind is None:
        raise StorageUnusable(f"storage is {storage!r}: give local, s3://bucket/prefix, gs://… or az://…")
    try:
        answers, transfers = (
            _bucket(kind, storage, options or {}, each) for each in (ANSWER_TIMEOUT, TRANSFER_TIMEOUT)
        )
    except (BaseError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise StorageUnusable(f"storage {storage} cannot be used: {reason}; see storage_options") from error
    return BucketObjects(answers, transfers, clock)


def _bucket(kind: type[_Bucket], storage: str, options: Mapping[str, str], timeout: timedelta) -> _Bucket:
    # Without TLS only if an address of the operator's own says so.
    plain = any(value.startswith("http://") for value in options.values())
    return kind.from_url(
        storage,
        config=dict(options),  # type: ignore[arg-type]  # the operator's own names, which obstore checks
        client_options={
            "allow_http": plain,
            "connect_timeout": CONNECT_TIMEOUT,
            "read_timeout": STALL_TIMEOUT,
            "timeout": timeout,
        },
        retry_config={"max_retries": RETRIES, "retry_timeout": RETRY_FOR},
    )


@contextmanager
def _as_unavailable() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise Unavailable("object storage is not there: there is no such bucket, or folder") from error
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise Unavailable("object storage refuses access with these credentials") from error
    except (BaseError, OSError) as error:
        raise Unavailable("object storage cannot be reached or written to") from error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
