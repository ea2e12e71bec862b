"""Uploads in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from stillmotion.domain.uploads import Upload, check_room
from stillmotion.testing.memory_store.tables import MemoryTables


@dataclass
class MemoryUploads(MemoryTables):
    """`UploadStore`."""

    async def add_upload(self, upload: Upload) -> None:
        """See `UploadStore.add_upload`."""
        own = [each.size for each in self._uploads.values() if each.subscription_id == upload.subscription_id]
        check_room(len(own), sum(own), upload.size)
        self._uploads[upload.id] = upload

    async def find_upload(self, subscription_id: str, upload_id: str) -> Upload | None:
        """See `UploadStore.find_upload`."""
        upload = self._uploads.get(upload_id)
        return upload if upload is not None and upload.subscription_id == subscription_id else None

    async def expired_uploads(self, now: datetime, limit: int) -> Sequence[Upload]:
        """See `UploadStore.expired_uploads`."""
        expired = (each for each in self._uploads.values() if each.expires_at <= now)
        return sorted(expired, key=lambda each: each.expires_at)[:limit]

    async def forget_upload(self, upload_id: str) -> None:
        """See `UploadStore.forget_upload`."""
        self._uploads.pop(upload_id, None)
