"""Port of the records of generations: their attempts."""

from collections.abc import Sequence
from typing import Protocol

from stillmotion.domain.record.attempts import AttemptRecord


class RecordStore(Protocol):
    """Store of the records of generations."""

    async def attempts_of(self, generation_id: str) -> Sequence[AttemptRecord]:
        """All attempts of a generation in their order; none for an unknown one."""
        ...
