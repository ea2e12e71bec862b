"""Uploads: pictures sent ahead, kept for a day for their owner."""

from dataclasses import dataclass

from stillmotion.application.ports.objects import ObjectStore
from stillmotion.application.ports.store import UploadStore
from stillmotion.application.ports.values import Clock, NewId, NewToken
from stillmotion.domain.errors import InvalidRequest, Problem
from stillmotion.domain.file_types.pictures import MAX_PICTURE_BYTES
from stillmotion.domain.file_types.unsupported import refusal_of
from stillmotion.domain.subscriptions import Subscription
from stillmotion.domain.uploads import KEPT_FOR, Upload, upload_key

GONE = "is a picture of none of your generations, or that one was deleted: upload the picture again"
BATCH = 100
"""Expired uploads that are read at once."""


@dataclass(frozen=True, slots=True)
class Uploads:
    """Use cases of uploads. A row is written before its object and removed after it, so that no object is an orphan.

    `reads_heic` is true if the decoders have the extra `heif`.
    """

    store: UploadStore
    objects: ObjectStore
    clock: Clock
    new_id: NewId
    new_token: NewToken
    reads_heic: bool = True

    async def keep(self, subscription: Subscription, field: str, content: bytes) -> Upload:
        """Keep a picture. Raises `InvalidRequest` that names `field`, `LimitExceeded` or `Unavailable`."""
        self.check(field, content)
        upload_id = self.new_id()
        expires_at = self.clock.now() + KEPT_FOR
        key = upload_key(upload_id, self.new_token())
        upload = Upload(upload_id, subscription.id, key, len(content), expires_at)
        await self.store.add_upload(upload)
        await self.objects.put(key, content)
        return upload

    def check(self, field: str, content: bytes) -> None:
        """Raise `InvalidRequest` that names `field` for a file that this installation cannot decode."""
        check_picture(field, content, reads_heic=self.reads_heic)

    async def read(self, subscription: Subscription, field: str, upload_id: str) -> bytes:
        """The picture. Raises `InvalidRequest` that names `field`, for another's upload as for an unknown one."""
        upload = await self.store.find_upload(subscription.id, upload_id.lower())
        if upload is not None and self.clock.now() < upload.expires_at:
            try:
                return b"".join([piece async for piece in self.objects.read(upload.key, 0, upload.size)])
            except KeyError:
                pass  # The row is there without its object: as good as expired.
        raise InvalidRequest(Problem(field, "is none of your uploads, or has expired: upload the picture again"))

    async def submitted(self, field: str, key: str) -> bytes:
        """The picture of an earlier generation by its object's key. Raises `InvalidRequest` that names `field`."""
        found = await self.objects.find(key)
        if found is not None:
            try:
                return b"".join([piece async for piece in self.objects.read(key, 0, found.size)])
            except KeyError:
                pass  # Its generation was deleted just now.
        raise InvalidRequest(Problem(field, GONE))

    async def expire(self) -> int:
        """Remove expired uploads; the answer is their number."""
        gone = 0
        while expired := await self.store.expired_uploads(self.clock.now(), BATCH):
            for upload in expired:
                await self.objects.delete(upload.key)
                await self.store.forget_upload(upload.id)
            gone += len(expired)
        return gone


def check_picture(field: str, content: bytes, *, reads_heic: bool = True) -> None:
    """Raise `InvalidRequest` that names `field` for a file that is no picture, or too large."""
    if len(content) > MAX_PICTURE_BYTES:
        raise InvalidRequest(Problem(field, f"holds more than {MAX_PICTURE_BYTES >> 20} MiB; make it smaller"))
    refused = refusal_of(content, reads_heic=reads_heic)
    if refused is not None:
        raise InvalidRequest(Problem(field, f"is {refused}"))
