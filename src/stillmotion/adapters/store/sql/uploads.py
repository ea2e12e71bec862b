"""Uploads in SQL."""

from collections.abc import Sequence
from datetime import datetime

from stillmotion.adapters.store.sql.connections import Connection, Reader, Writer
from stillmotion.adapters.store.sql.generation_rows import from_upload, microseconds, to_upload
from stillmotion.adapters.store.sql.queries import holds, uploads
from stillmotion.domain.uploads import Upload, check_room


class SqlUploads:
    """`UploadStore`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self.writer = writer
        self._reader = reader

    async def add_upload(self, upload: Upload) -> None:
        """See `UploadStore.add_upload`."""

        def operation(connection: Connection) -> None:
            connection.hold(holds.HOLD_SUBSCRIPTION, (upload.subscription_id,))
            kept, kept_bytes = connection.execute(uploads.UPLOADED, (upload.subscription_id,)).get
            check_room(kept, kept_bytes, upload.size)
            connection.execute(uploads.INSERT_UPLOAD, from_upload(upload))

        await self.writer.run(operation)

    async def find_upload(self, subscription_id: str, upload_id: str) -> Upload | None:
        """See `UploadStore.find_upload`."""
        rows = await self._reader.rows(uploads.FIND_UPLOAD, (subscription_id, upload_id))
        return to_upload(rows[0]) if rows else None

    async def expired_uploads(self, now: datetime, limit: int) -> Sequence[Upload]:
        """See `UploadStore.expired_uploads`."""
        return [to_upload(row) for row in await self._reader.rows(uploads.EXPIRED_UPLOADS, (microseconds(now), limit))]

    async def forget_upload(self, upload_id: str) -> None:
        """See `UploadStore.forget_upload`."""

        def operation(connection: Connection) -> None:
            connection.execute(uploads.FORGET_UPLOAD, (upload_id,))

        await self.writer.run(operation)
