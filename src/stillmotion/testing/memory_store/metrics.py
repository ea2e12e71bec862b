"""Metrics in memory."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from stillmotion.application.ports.metrics import Sample, StoredGauges
from stillmotion.domain.callbacks import DeliveryState
from stillmotion.domain.lifecycle import State
from stillmotion.testing.memory_store.tables import MemoryTables


@dataclass
class MemoryMetrics(MemoryTables):
    """`MetricStore`."""

    async def add_samples(self, samples: Sequence[Sample]) -> None:
        """See `MetricStore.add_samples`."""
        for name, labels, value in samples:
            self._samples[name, labels] += value

    async def samples(self) -> Sequence[Sample]:
        """See `MetricStore.samples`."""
        return [Sample(*named, value) for named, value in sorted(self._samples.items())]

    async def gauges(self) -> StoredGauges:
        """See `MetricStore.gauges`."""
        queued = [each for each in self._generations.values() if each.state is State.QUEUED]
        pending = [each for each in self._deliveries.values() if each.state is DeliveryState.PENDING]
        made = [each.assets for each in self._generations.values() if each.assets is not None]
        return StoredGauges(
            depth=Counter(each.engine for each in queued),
            oldest=min((each.created_at for each in queued), default=None),
            pending=len(pending),
            due=min((each.due_at for each in pending), default=None),
            stored={
                "videos": sum(each.video.size for each in made),
                "thumbnails": sum(each.thumbnail.size for each in made),
                "posters": sum(each.poster.size for each in made if each.poster is not None),
                "preview_videos": sum(each.preview_video.size for each in made if each.preview_video is not None),
                "uploads": sum(each.size for each in self._uploads.values()),
                "database": 0,
            },
        )
