"""Pull of weights: from the operator's folder, and from the hub only where that is allowed."""

from pathlib import Path

from stillmotion.adapters.models.hub import Tell, pull
from stillmotion.adapters.models.weights import WeightsUnusable, trouble_with
from stillmotion.composition.engines import weights_of
from stillmotion.config import Settings
from stillmotion.domain.catalogue import EngineKind, Entry


def pull_weights(entry: Entry, settings: Settings, tell: Tell) -> Path:
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
    if not entry.hub:
        raise WeightsUnusable(f"{entry.name} has no `hub` to pull from: name the folder of its weights in `weights`.")
    if not settings.allow_hub:
        raise WeightsUnusable(f"{entry.name} would come from the hub ({entry.hub}): set allow_hub to true to let it.")
    return pull(entry.hub, folder, tell).folder
