"""States of models: readiness for the next clip, by engine."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from stillmotion.domain.catalogue import Entry


class ModelStateName(StrEnum):
    """State of a model. The values are wire words."""

    READY = "ready"
    LOADING = "loading"
    IDLE = "idle"
    """Its weights are here, and it is loaded for the next clip."""
    UNAVAILABLE = "unavailable"
    """Another server does not answer, or nothing here renders."""
    PULLABLE = "pullable"
    """Its weights are not here, and could be pulled."""
    UNFIT = "unfit"
    """It cannot be made as it is set up."""


@dataclass(frozen=True, slots=True)
class ModelState:
    """State of one engine's model. `reason` is a sentence for people, None where nothing is wrong."""

    name: ModelStateName
    reason: str | None = None


ModelStates = Mapping[str, ModelState]
"""The states by engine. An engine that is not named is ready."""

ReadStates = Callable[[], Awaitable[ModelStates]]
"""Reader of the states as they are now."""

READY = ModelState(ModelStateName.READY)

_BEST = (ModelStateName.READY, ModelStateName.IDLE, ModelStateName.LOADING)
"""States in which the next clip will be made, the quickest first."""


async def all_ready() -> ModelStates:
    """A `ReadStates` without anything that could be missing."""
    return {}


def state_of_route(route: Sequence[Entry], states: ModelStates) -> ModelState:
    """State of a wire name: the first entry's, or a later one's that makes its clips meanwhile."""
    known = [states.get(each.engine_name, READY) for each in route]
    return next((each for each in known if each.name in _BEST), known[0])
