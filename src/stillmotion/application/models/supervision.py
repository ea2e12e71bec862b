"""Supervision of models: their states over all workers, wishes to load and unload, pulls of weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stillmotion.application.ports.models import FindWeights, ModelStore, StartPull, WeightsFound
from stillmotion.application.ports.notifications import QueueSignal
from stillmotion.application.ports.values import Clock
from stillmotion.domain.catalogue import Catalogue, EngineKind, Entry
from stillmotion.domain.errors import InvalidRequest, ModelNotFound, Problem
from stillmotion.domain.models.holdings import SILENT_AFTER, ModelWish, Wish, merged
from stillmotion.domain.models.pulls import Pull, PullState
from stillmotion.domain.models.states import ModelState, ModelStateName, ModelStates
from stillmotion.domain.record.render_times import RenderTimes

NOBODY = ModelState(ModelStateName.UNAVAILABLE, "no worker makes it just now: start one, or look at its log")
LONGEST_NAME = 200
"""Most characters of an unknown name that its refusal repeats."""
UNNAMED = "no wire name stands for it: give it one in the setting models, and start the server again"


@dataclass(frozen=True, slots=True)
class ShelvedModel:
    """A model of the catalogue: its state, weights, latest pull and render times, and the wire names for it."""

    entry: Entry
    state: ModelState
    weights: WeightsFound | None
    pull: Pull
    names: tuple[str, ...]
    times: RenderTimes


@dataclass(frozen=True, slots=True)
class ModelReadings:
    """Reader of the states that the workers tell."""

    store: ModelStore
    catalogue: Catalogue
    clock: Clock

    async def states(self) -> ModelStates:
        """The state of each offered engine; one that no worker tells of is made by nobody."""
        told = merged(await self.store.holdings(self.clock.now() - SILENT_AFTER))
        return {each.engine_name: told.get(each.engine_name, NOBODY) for each in self.catalogue.offered()}


@dataclass(frozen=True, slots=True)
class ModelSupervision:
    """The operator's use cases of models. Names are the catalogue's."""

    readings: ModelReadings
    signal: QueueSignal
    find_weights: FindWeights
    start_pull: StartPull

    async def shelf(self) -> Sequence[ShelvedModel]:
        """Every model of the catalogue: the offered ones first, in the order of their names."""
        states = await self.readings.states()
        pulls = await self._pulls()
        catalogue = self.readings.catalogue
        offered = {each.name for each in catalogue.offered()}
        entries = sorted(catalogue.entries.values(), key=lambda each: (each.name not in offered, each.name))
        return [await self._shelved(each, states, pulls) for each in entries]

    async def _shelved(self, entry: Entry, states: ModelStates, pulls: Mapping[str, Pull]) -> ShelvedModel:
        catalogue = self.readings.catalogue
        names = tuple(each for each in catalogue.models if entry in catalogue.route(each))
        weights = await self.find_weights(entry) if entry.engine == EngineKind.DIFFUSERS else None
        state = states.get(entry.engine_name) if names else None
        pull = pulls.get(entry.name, Pull(entry.name))
        times = await self.readings.store.render_times((entry.engine_name,))
        return ShelvedModel(entry, state or _off_offer(weights), weights, pull, names, times)

    async def load(self, name: str, actor: str) -> ShelvedModel:
        """Have a model loaded by every lane that makes it, as soon as each is free."""
        return await self._wish(name, Wish.LOAD, actor)

    async def unload(self, name: str, actor: str) -> ShelvedModel:
        """Have a model's memory freed. The next clip that needs it loads it again."""
        return await self._wish(name, Wish.UNLOAD, actor)

    async def _wish(self, name: str, wish: Wish, actor: str) -> ShelvedModel:
        """Raises `ModelNotFound`, or `InvalidRequest` for a model that no memory is kept for here."""
        entry = self._entry(name)
        if not entry.is_local:
            raise InvalidRequest(
                Problem("name", f"is made by {entry.engine_name}, which has nothing to {wish}: leave it as it is")
            )
        if entry.name not in {each.name for each in self.readings.catalogue.offered()}:
            raise InvalidRequest(Problem("name", f"cannot be had: {UNNAMED}"))
        now = self.readings.clock.now()
        await self.readings.store.put_wish(ModelWish(entry.engine_name, wish, now, actor))
        self.signal.notify()
        return await self._shelved(entry, await self.readings.states(), await self._pulls())

    async def pull(self, name: str) -> Pull:
        """Begin a pull of a model's weights, or go on with the last one. One that is under way goes on.

        Raises `ModelNotFound`, or `InvalidRequest` for weights that may not be pulled.
        """
        entry = self._entry(name)
        known = await self.pull_of(name)
        if known.state is PullState.PULLING:
            return known
        weights = await self.find_weights(entry) if entry.engine == EngineKind.DIFFUSERS else None
        if weights is None:
            raise InvalidRequest(Problem("name", f"has no weights to pull: it is made by {entry.engine_name}"))
        if weights.barred is not None:
            raise InvalidRequest(Problem("name", weights.barred))
        now = self.readings.clock.now()
        if not weights.pullable and weights.trouble is None:
            return Pull(entry.name, PullState.DONE, weights.size or 0, weights.size)
        begun = Pull(entry.name, PullState.PULLING, started_at=now, told_at=now)
        await self.readings.store.begin_pull(begun)
        self.start_pull(entry, begun)
        return begun

    async def pull_of(self, name: str) -> Pull:
        """The latest pull of a model. Raises `ModelNotFound`."""
        return (await self._pulls()).get(self._entry(name).name, Pull(name))

    async def cancel_pull(self, name: str) -> Pull:
        """Stop a pull. The bytes that are here stay: the next pull goes on from them."""
        await self.readings.store.cancel_pull(self._entry(name).name, self.readings.clock.now())
        return await self.pull_of(name)

    async def _pulls(self) -> Mapping[str, Pull]:
        now = self.readings.clock.now()
        return {each.model: each.at(now) for each in await self.readings.store.pulls()}

    def _entry(self, name: str) -> Entry:
        entry = self.readings.catalogue.entries.get(name)
        if entry is None:
            raise ModelNotFound(name[:LONGEST_NAME])
        return entry


def _off_offer(weights: WeightsFound | None) -> ModelState:
    """State of a model that no wire name stands for."""
    if weights is None or (not weights.pullable and weights.trouble is None and weights.barred is None):
        return ModelState(ModelStateName.UNAVAILABLE, UNNAMED)
    if weights.pullable:
        return ModelState(ModelStateName.PULLABLE, weights.barred)
    return ModelState(ModelStateName.UNFIT, weights.barred or weights.trouble)
