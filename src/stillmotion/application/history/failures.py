"""Failures: an owner's failures by their code, and all of a code once more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from stillmotion.application.generations import Generations
from stillmotion.application.ports.history import FailureCause, FailureStore
from stillmotion.domain.errors import AccessDenied, GenerationNotFound, InvalidRequest, LimitExceeded
from stillmotion.domain.subscriptions import Subscription

USUAL_DAYS: Final = 7
MOST_RETRIED: Final = 100
"""Failures that are made once more by one request."""


@dataclass(frozen=True, slots=True)
class Failures:
    """Use cases of failures."""

    store: FailureStore
    generations: Generations

    async def by_code(self, subscription: Subscription, days: int) -> Sequence[FailureCause]:
        """The subscription's failures of so many days, by code; the code with the latest one first."""
        return await self.store.failures(subscription.id, self._since(days))

    async def retry(self, subscription: Subscription, code: str, days: int) -> Sequence[str]:
        """Make the failures of a code once more, those that were not yet; the answer is the new ones' ids.

        It ends at the first that a limit, the quota or the product refuses. One whose picture or source is gone is
        passed over. Raises what the first of all raises.
        """
        made: list[str] = []
        refused: Exception | None = None
        for generation_id in await self.store.unretried(subscription.id, code, self._since(days), MOST_RETRIED):
            try:
                earlier = await self.generations.get(subscription, generation_id)
                accepted = await self.generations.retry(subscription, earlier, earlier.again)
            except (InvalidRequest, GenerationNotFound) as error:
                refused = refused or error
            except (LimitExceeded, AccessDenied) as error:
                refused = refused or error
                break
            else:
                made.append(accepted.generation.id)
        if refused is not None and not made:
            raise refused
        return made

    def _since(self, days: int) -> datetime:
        return self.generations.clock.now() - timedelta(days=days)
