"""Weights of models: from the operator's folder, and from the hub only where that is allowed."""

import asyncio
from dataclasses import replace
from pathlib import Path

from stillmotion.adapters.models.hub import Moved, Tell, pull, unmoved
from stillmotion.adapters.models.weights import WeightsUnusable, trouble_with
from stillmotion.application.ports.models import ModelStore, WeightsFound
from stillmotion.application.ports.values import Clock
from stillmotion.composition.engines import weights_of
from stillmotion.config import Settings
from stillmotion.domain.catalogue import EngineKind, Entry
from stillmotion.domain.errors import StillmotionError
from stillmotion.worker.background.pulls import PullTasks


def pull_weights(entry: Entry, settings: Settings, tell: Tell, moved: Moved = unmoved) -> Path:
    """Bring a model's weights into their folder, and return its path. Files that are there are only verified.

    Raises `CatalogueError` for a licence that was not accepted, and `WeightsUnusable`.
    """
    if entry.engine != EngineKind.DIFFUSERS:
        raise WeightsUnusable(f"{entry.name} needs no weights: it is made by {entry.engine_name}.")
    entry.check_licence(frozenset(settings.accepted_licences))
    folder = weights_of(entry, settings)
    if entry.weights or folder.exists():
        trouble = trouble_with(folder)
        if trouble is not None:
            remedy = "mend the folder that its `weights` names" if entry.weights else f"remove {folder} and pull again"
            raise WeightsUnusable(f"The weights of {entry.name} are not whole: {trouble}. To mend it, {remedy}.")
        return folder
    barred = _barred(entry, settings)
    if barred is not None:
        raise WeightsUnusable(f"{entry.name} {barred}.")
    return pull(entry.hub, folder, tell, moved).folder


def _barred(entry: Entry, settings: Settings) -> str | None:
    """The reason why weights cannot come from the hub; None where they can."""
    if not entry.hub:
        return "has no `hub` to pull from: name the folder of its weights in `weights`"
    if not settings.allow_hub:
        return f"would come from the hub ({entry.hub}): set allow_hub to true to let it"
    return None


def pull_tasks(settings: Settings, store: ModelStore, clock: Clock) -> PullTasks:
    """The pulls of this process, none of which is begun."""

    def bring(entry: Entry, moved: Moved) -> Path:
        return pull_weights(entry, settings, lambda *_: None, moved)

    return PullTasks(store, clock, bring)


async def find_weights(entry: Entry, settings: Settings) -> WeightsFound:
    """A model's weights on this machine. Their files are looked at in a thread."""
    return await asyncio.to_thread(_found, entry, settings)


def _found(entry: Entry, settings: Settings) -> WeightsFound:
    try:
        entry.check_licence(frozenset(settings.accepted_licences))
        licence = None
    except StillmotionError as error:
        licence = str(error)
    folder = weights_of(entry, settings)
    if not entry.weights and not folder.exists():
        forbidden = _barred(entry, settings)
        barred = licence or (forbidden and f"{entry.name} {forbidden}")
        found = WeightsFound(pullable=barred is None, barred=barred, trouble="its weights are not here")
        return replace(found, is_accepted=licence is None)
    size = sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
    return WeightsFound(size, trouble_with(folder), barred=licence, is_accepted=licence is None)
