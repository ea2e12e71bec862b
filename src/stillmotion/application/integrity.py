"""Whether storage gives back what it was given, by the SHA-256 that every result has had since it was made."""

import hashlib
from collections.abc import AsyncIterator

from stillmotion.application.ports.objects import ObjectStore
from stillmotion.domain.errors import StillmotionError


class Damaged(StillmotionError):
    """Storage has other bytes than it was given."""


async def is_kept(objects: ObjectStore, key: str, size: int, digest: str) -> bool:
    """Whether the object is there, of that size, and has that digest: all of it is read."""
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
    """The pieces of an object as they come, the last of them only where all together have the digest.

    Raises `Damaged` in its place: what was given out until then is not whole, and by its length it shows.
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
