"""Slot for one model on one device."""

from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from typing import Final

import torch

from stillmotion.domain.catalogue import Entry
from stillmotion.domain.errors import EngineUnfit
from stillmotion.domain.rendering import checkpoint
from stillmotion.engines.diffusers.loaded_model import LoadedModel, load
from stillmotion.engines.diffusers.memory import release

ASKS_EVERY: Final = 0.05
"""Seconds between two checkpoints while a model loads."""
FIRST_GPU: Final = "auto"


class ModelSlot:
    """Slot that holds the model last asked for; loading another unloads it first.

    A caller may stop waiting. The model is loaded all the same, for the next caller.
    """

    def __init__(self, device: str) -> None:
        self.device = _device(device)
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="load")
        self._entry: Entry | None = None
        self._loading: Future[LoadedModel] | None = None

    def hold(self, entry: Entry) -> LoadedModel:
        """The entry's model, loaded. Raises `EngineUnfit`, and what `checkpoint` raises."""
        if self._loading is not None and self._entry != entry:
            self._wait(self._loading)
            # Dropping the future drops the model: both must not be in memory at once.
            self._loading = self._entry = None
            release(self.device)
        if self._loading is None:
            self._entry = entry
            self._loading = self._loader.submit(load, entry, self.device)
        self._wait(self._loading)
        if self._loading.exception() is not None:
            failed, self._loading = self._loading, None
            return failed.result()
        return self._loading.result()

    def _wait(self, loading: Future[LoadedModel]) -> None:
        while not loading.done():
            try:
                loading.exception(ASKS_EVERY)
            except NotYet:
                checkpoint()


def _device(name: str) -> torch.device:
    if name == FIRST_GPU:
        if torch.cuda.is_available():
            return torch.device("cuda:0")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        said = str(error).splitlines()[0]
        raise EngineUnfit(f"The setting devices names {name}, which cannot be used here: {said}") from error
    return device
