"""Integrity of results: stored bytes are compared with the SHA-256 that each has had since it was made."""

import hashlib
from collections.abc import AsyncIterator

from stillmotion.application.ports.objects import ObjectStore
from stillmotion.domain.errors import StillmotionError


class Damaged(StillmotionError):
    """Raised if storage gives other bytes back than it was given."""


async def is_kept(objects: ObjectStore, key: str, size: int, digest: str) -> bool:
    """True if the object has this size and digest. All of it is read."""
    found = await objects.find(key)
    if found is None or found.size != size:
        return False
    try:
        async for _ in proven(objects.read(key, 0, size), digest):
            pass
    except (Damaged, KeyError):
        return False
    return True


async def proven(pieces: AsyncIterator[bytes], digest: str) -> AsyncIterator[bytes]:
    """The pieces of an object as they come. The last one is given out only if the whole has the digest.

    Otherwise `Damaged` is raised in its place, so that the reader gets fewer bytes than the announced length.
    """
    seen, held = hashlib.sha256(), b""
    async for piece in pieces:
        if held:
            yield held
        seen.update(piece)
        held = piece
    if seen.hexdigest() != digest:
        raise Damaged("an object is not what was stored")
    if held:
        yield held
