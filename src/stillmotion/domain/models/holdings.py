"""Holdings of models: an operator's wish to have one loaded or unloaded, and the state that each worker tells."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from stillmotion.domain.models.states import ModelState, ModelStateName, ModelStates

SILENT_AFTER: Final = timedelta(seconds=30)
"""Age of a report after which its worker is taken to be gone."""

_BEST_FIRST: Final = (
    ModelStateName.READY,
    ModelStateName.LOADING,
    ModelStateName.IDLE,
    ModelStateName.UNAVAILABLE,
    ModelStateName.UNFIT,
)


class Wish(StrEnum):
    """Wish for a model's place in memory."""

    LOAD = "load"
    UNLOAD = "unload"


@dataclass(frozen=True, slots=True)
class ModelWish:
    """An operator's latest wish for one engine's model. Each lane carries it out once, when it is free.

    An unloaded model is loaded again by the next clip that needs it.
    """

    engine: str
    wish: Wish
    at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class Holding:
    """State of an engine's model in one lane of a worker."""

    lane: str
    engine: str
    state: ModelStateName
    reason: str | None = None


def merged(holdings: Iterable[Holding]) -> ModelStates:
    """The best state of each engine over all lanes and workers."""
    best: dict[str, Holding] = {}
    for each in holdings:
        known = best.get(each.engine)
        if known is None or _BEST_FIRST.index(each.state) < _BEST_FIRST.index(known.state):
            best[each.engine] = each
    return {engine: ModelState(each.state, each.reason) for engine, each in best.items()}
