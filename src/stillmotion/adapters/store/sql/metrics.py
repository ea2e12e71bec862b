"""Metrics in SQL: stored counts, and measures of the other tables."""

import json
from collections.abc import Sequence

from stillmotion.adapters.store.sql.connections import Connection, Reader, Writer
from stillmotion.adapters.store.sql.generation_rows import to_time
from stillmotion.adapters.store.sql.queries import metrics
from stillmotion.application.ports.metrics import Sample, StoredGauges


class SqlMetrics:
    """`MetricStore`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self.writer = writer
        self._reader = reader

    async def add_samples(self, samples: Sequence[Sample]) -> None:
        """See `MetricStore.add_samples`."""
        rows = [{"name": name, "labels": json.dumps(labels), "value": value} for name, labels, value in sorted(samples)]

        def operation(connection: Connection) -> None:
            for row in rows:
                connection.execute(metrics.ADD_SAMPLE, row)

        await self.writer.run(operation)

    async def samples(self) -> Sequence[Sample]:
        """See `MetricStore.samples`."""
        rows = await self._reader.rows(metrics.ALL_SAMPLES)
        return [Sample(name, tuple(json.loads(labels)), value) for name, labels, value in rows]

    async def gauges(self) -> StoredGauges:
        """See `MetricStore.gauges`. A long queue or history takes its time: the event loop goes on meanwhile."""
        scan = self._reader.scan
        waiting = await scan(metrics.QUEUE_BY_ENGINE)
        ((pending, due),) = await scan(metrics.CALLBACKS_PENDING)
        (results,) = await scan(metrics.BYTES_OF_RESULTS)
        ((uploads,),) = await scan(metrics.BYTES_OF_UPLOADS)
        ((database,),) = await scan(metrics.BYTES_OF_DATABASE)
        kept = dict(zip(("videos", "thumbnails", "posters", "preview_videos"), results, strict=True))
        return StoredGauges(
            depth={engine: count for engine, count, _ in waiting},
            oldest=to_time(min(each[2] for each in waiting)) if waiting else None,
            pending=pending,
            due=None if due is None else to_time(due),
            stored={**kept, "uploads": uploads, "database": database},
        )
