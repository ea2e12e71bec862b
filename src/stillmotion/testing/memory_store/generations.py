"""Generations in memory."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from stillmotion.adapters.store.admission import Standing, admit, check_same_body
from stillmotion.application.ports.store import Accepted, Change, Submission
from stillmotion.domain.assets import generation_of
from stillmotion.domain.callbacks import caused_by
from stillmotion.domain.errors import GenerationNotFound, LeaseLost
from stillmotion.domain.generation import Deletion, Generation, GenerationView, Lease, WorkStage
from stillmotion.domain.lifecycle import State
from stillmotion.domain.quotas import RETRIED_WITHIN, period, refunded_by
from stillmotion.testing.memory_store.outlooks import MemoryOutlooks
from stillmotion.testing.memory_store.records import MemoryRecords, MemoryUsage


@dataclass
class MemoryGenerations(MemoryRecords, MemoryOutlooks, MemoryUsage):
    """`GenerationStore`, but for the queue."""

    async def submit(self, submission: Submission) -> Accepted:
        """See `GenerationStore.submit`."""
        generation = submission.generation
        owner, now = generation.subscription_id, generation.created_at
        standing = self._standing(generation)
        earlier = self._earlier(submission)
        if earlier is not None:
            return Accepted(earlier, replayed=True, window=standing.window_at(now))
        window = admit(submission, standing)
        self._windows[owner] = window
        self._lines[owner] = self._line(owner).joined(self._virtual_time, now)
        self._used_seconds[owner, period(now)] += generation.request.seconds
        self._generations[generation.id] = generation
        self._keep_usage(None, generation)
        if submission.idempotency is not None:
            kept = (submission.idempotency.body_digest, generation.id)
            self._idempotency[owner, submission.idempotency.key] = kept
        if submission.fingerprint is not None:
            self._digests[generation.id] = submission.fingerprint.body_digest
        self.changed(generation)
        return Accepted(generation, replayed=False, window=window)

    async def find(self, generation_id: str) -> Generation | None:
        """See `GenerationStore.find`."""
        return self._generations.get(generation_id)

    async def digest_of(self, key: str) -> str | None:
        """See `GenerationStore.digest_of`."""
        found = self._generations.get(generation_of(key))
        assets = () if found is None or found.assets is None else found.assets
        return next((asset.digest for asset in assets if asset is not None and asset.key == key), None)

    async def owned(self, subscription_id: str, generation_id: str) -> Generation | None:
        """See `GenerationStore.owned`."""
        found = self._generations.get(generation_id)
        return None if found is None or found.subscription_id != subscription_id else found

    async def view(self, subscription_id: str, generation_id: str) -> GenerationView:
        """See `GenerationStore.view`."""
        found = await self.owned(subscription_id, generation_id)
        if found is None:
            raise GenerationNotFound(generation_id)
        return found.view

    async def change(self, generation_id: str, change: Change) -> Generation:
        """See `GenerationStore.change`."""
        return self._changed_by(generation_id, change, "")

    async def renew(
        self,
        lease: Lease,
        until: datetime,
        progress: float,
        preview: str | None = None,
        stage: WorkStage = WorkStage.RENDERING,
    ) -> datetime | None:
        """See `GenerationStore.renew`."""
        try:
            await self.change(
                lease.generation_id, lambda generation: generation.renewed(lease, until, progress, preview, stage)
            )
        except GenerationNotFound as error:
            raise LeaseLost(f"{lease.generation_id} was deleted") from error
        return self._watched_until.get(lease.generation_id)

    async def watch_previews(self, generation_ids: Collection[str], until: datetime) -> None:
        """See `GenerationStore.watch_previews`."""
        for each in generation_ids:
            if each in self._generations and self._generations[each].state is State.DREAMING:
                self._watched_until[each] = until

    def _changed_by(self, generation_id: str, change: Change, worker: str) -> Generation:
        before = self._generations.get(generation_id)
        if before is None:
            raise GenerationNotFound(generation_id)
        after = change(before)
        self._generations[generation_id] = after
        self._used_seconds[after.subscription_id, period(after.created_at)] -= refunded_by(before, after)
        line, now = self._line(after.subscription_id), self.clock.now()
        self._lines[after.subscription_id], self._virtual_time = line.after(before, after, self._virtual_time, now)
        self._keep_attempt(before, after, worker, now)
        self._keep_usage(before, after)
        self._keep_render_time(before, after)
        delivery = caused_by(before, after, now)
        if delivery is not None:
            self._deliveries.setdefault(delivery.id, delivery)
        self.changed(after)
        if after.is_terminal and not before.is_terminal:
            self.ended(after)
        return after

    async def delete(self, generation_id: str) -> bool:
        """See `GenerationStore.delete`."""
        generation = self._generations.get(generation_id)
        if generation is None:
            return False
        if not generation.is_terminal:
            await self.change(generation_id, lambda each: each.cancelled(self.clock.now()))
        del self._generations[generation_id]
        for delivery in [each for each in self._deliveries.values() if each.generation_id == generation_id]:
            del self._deliveries[delivery.id]
            self._attempts.pop(delivery.id, None)
        self._idempotency = {name: kept for name, kept in self._idempotency.items() if kept[1] != generation_id}
        self._digests.pop(generation_id, None)
        self._records.pop(generation_id, None)
        self._links = {name: each for name, each in self._links.items() if each.generation_id != generation_id}
        self._removals.append(generation_id)
        self.changed(Deletion(generation_id, generation.subscription_id))
        return True

    async def removed(self, generation_id: str) -> None:
        """See `GenerationStore.removed`."""
        self._removals = [each for each in self._removals if each != generation_id]

    def _earlier(self, submission: Submission) -> Generation | None:
        """The earlier generation that a submission repeats, if any."""
        owner, now = submission.generation.subscription_id, submission.generation.created_at
        if submission.idempotency is not None:
            known = self._idempotency.get((owner, submission.idempotency.key))
            if known is None:
                return None
            check_same_body(known[0], submission.idempotency.body_digest)
            return self._generations[known[1]]
        if submission.fingerprint is None or not submission.fingerprint.is_retry:
            return None
        same = (
            each
            for each in self._generations.values()
            if each.subscription_id == owner
            and each.created_at > now - RETRIED_WITHIN
            and self._digests.get(each.id) == submission.fingerprint.body_digest
        )
        return max(same, key=lambda each: each.id, default=None)

    def _standing(self, generation: Generation) -> Standing:
        owner = generation.subscription_id
        used_seconds = self._used_seconds[owner, period(generation.created_at)]
        return Standing(self._windows.get(owner), self._unfinished(owner), self._line(owner).queued, used_seconds)
