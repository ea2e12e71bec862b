"""Renderers for one engine alone: those that hold a model on a device, and those of engines from outside."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from stillmotion.domain.catalogue import Entry
from stillmotion.worker.makers.remote import Successor
from stillmotion.worker.renderer.handle import MODEL_PATIENCE, RENDERER_COMMAND, RendererProcess

FIRST_GPU = "auto"
"""The first GPU that there is, or else the CPU."""

DEVICE_OPTION: Final = "device"
"""Option by which an engine from outside learns the device that it has to itself."""

OFFLINE: Mapping[str, str] = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "DO_NOT_TRACK": "1"}
"""The environment of a renderer that loads weights from a folder, and asks no hub for anything."""


@dataclass(frozen=True, slots=True)
class Device:
    """A lane for `entries` alone. On a device one model is held at a time, the first of them from the start on.

    An engine from outside has lanes of this kind too, on no device that is known here. `successor` takes over while the
    lane cannot be used; it is None where no other model stands in. `opening` makes a renderer that holds the named
    engine's model from its start on.
    """

    name: str
    new_renderer: Callable[[], RendererProcess]
    entries: Sequence[Entry]
    successor: Successor | None = None
    opening: Callable[[str], RendererProcess] | None = None

    @property
    def engines(self) -> tuple[str, ...]:
        """The names of its models in the rows of generations."""
        return tuple(each.engine_name for each in self.entries)

    def renderer_with(self, engine: str) -> RendererProcess:
        """A renderer that holds this engine's model first."""
        return self.new_renderer() if self.opening is None else self.opening(engine)


def devices_for(
    entries: Sequence[Entry],
    names: Sequence[str],
    successor: Successor | None = None,
    options: Sequence[str] = (),
    renderers: int = 1,
) -> list[Device]:
    """Every model on every device of those names, and so many `renderers` for each engine from outside.

    An engine whose models name a device in their options has one renderer alone. `options` are for each renderer.
    Several devices start with different models, as far as there are different ones.
    """
    made = []
    models = [each for each in entries if not each.is_outside]
    for number, name in enumerate((names or (FIRST_GPU,)) if models else ()):
        first = number % len(models)
        turned = (*models[first:], *models[:first])
        made.append(_device(f"device {name}", name, turned, successor, options))
    for engine in dict.fromkeys(each.engine for each in entries if each.is_outside):
        own = tuple(each for each in entries if each.engine == engine)
        has_device = any(DEVICE_OPTION in each.options for each in own)
        for number in range(1 if has_device else renderers):
            lane = f"engine {engine} {number}" if number else f"engine {engine}"
            made.append(_device(lane, "", own, successor, options))
    return made


def _device(
    lane: str, device: str, entries: Sequence[Entry], successor: Successor | None, options: Sequence[str]
) -> Device:
    def opening(engine: str) -> RendererProcess:
        first = sorted(entries, key=lambda each: each.engine_name != engine)
        own = ("--device", device, "--models", msgspec.json.encode(first).decode())
        return RendererProcess((*RENDERER_COMMAND, *own, *options), OFFLINE, MODEL_PATIENCE)

    return Device(lane, lambda: opening(entries[0].engine_name), entries, successor, opening)
