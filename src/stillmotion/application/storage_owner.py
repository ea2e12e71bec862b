"""Owner of a bucket's prefix: the installation that has marked it."""

from collections.abc import Sequence
from typing import Final

from stillmotion.application.ports.objects import ObjectStore
from stillmotion.domain.errors import StillmotionError

OWNER_KEY: Final = "checks/owner"


class StorageTaken(StillmotionError):
    """The storage is another installation's, whose clips a collection would take for orphans."""


async def refuse_anothers(objects: ObjectStore, marks: Sequence[str]) -> None:
    """Mark the storage as ours. Raises `StorageTaken` if it has the mark of another, and `Unavailable`.

    `marks` are our mark, and those of before while the secret is changed; without any nothing is marked or refused.
    """
    if not marks:
        return
    ours = marks[0].encode()
    found = await objects.create(OWNER_KEY, ours)
    if found == ours:
        return
    if found.decode("utf-8", "replace") not in marks:
        raise StorageTaken(
            "the storage is marked as another installation's: give each a bucket or a prefix of its own in the setting "
            f"storage. If it is this one's, and only the secret is another, remove the object {OWNER_KEY}"
        )
    await objects.put(OWNER_KEY, ours)
