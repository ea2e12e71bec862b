"""Renderers for one engine alone: those that hold a model on a device, and those of engines from outside."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from stillmotion.domain.catalogue import Entry
from stillmotion.worker.makers.remote import Successor
from stillmotion.worker.renderer.handle import MODEL_PATIENCE, RENDERER_COMMAND, RendererProcess

FIRST_GPU = "auto"
"""The first GPU that there is, or else the CPU."""

OFFLINE: Mapping[str, str] = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "DO_NOT_TRACK": "1"}
"""The environment of a renderer that loads weights from a folder, and asks no hub for anything."""


@dataclass(frozen=True, slots=True)
class Device:
    """A lane for `entries` alone. On a device one model is held at a time, the first of them from the start on.

    An engine from outside has a lane of this kind too, on no device. `successor` takes over while the lane cannot be
    used; it is None where no other model stands in. `opening` makes a renderer that holds the named engine's model from
    its start on.
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
    entries: Sequence[Entry], names: Sequence[str], successor: Successor | None = None, options: Sequence[str] = ()
) -> list[Device]:
    """Every model on every device of those names, and a lane for each engine from outside.

    `options` are for each renderer. Several devices start with different models, as far as there are different ones.
    """
    made = []
    models = [each for each in entries if not each.is_outside]
    for number, name in enumerate((names or (FIRST_GPU,)) if models else ()):
        first = number % len(models)
        turned = (*models[first:], *models[:first])
        made.append(_device(f"device {name}", name, turned, successor, options))
    for engine in dict.fromkeys(each.engine for each in entries if each.is_outside):
        own = tuple(each for each in entries if each.engine == engine)
        made.append(_device(f"engine {engine}", "", own, successor, options))
    return made


def _device(
    lane: str, device: str, entries: Sequence[Entry], successor: Successor | None, options: Sequence[str]
) -> Device:
    def opening(engine: str) -> RendererProcess:
        first = sorted(entries, key=lambda each: each.engine_name != engine)
        own = ("--device", device, "--models", msgspec.json.encode(first).decode())
        return RendererProcess((*RENDERER_COMMAND, *own, *options), OFFLINE, MODEL_PATIENCE)

    return Device(lane, lambda: opening(entries[0].engine_name), entries, successor, opening)
