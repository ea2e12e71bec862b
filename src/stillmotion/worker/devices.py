"""The devices that models run on, and the renderers that hold a model on one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from stillmotion.domain.catalogue import Entry
from stillmotion.worker.makers.remote import Successor
from stillmotion.worker.renderer.process import MODEL_PATIENCE, RENDERER_COMMAND, RendererProcess

FIRST_GPU = "auto"
"""Stands for the first GPU that there is, or else the CPU."""

OFFLINE: Mapping[str, str] = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "DO_NOT_TRACK": "1"}
"""A renderer loads weights from a folder, and asks no hub for anything."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device that models run on, one at a time: its renderers hold the first of `entries` from their start on.

    `successor` is who takes over while it cannot be used; None where nobody ever does.
    """

    name: str
    new_renderer: Callable[[], RendererProcess]
    entries: Sequence[Entry]
    successor: Successor | None = None

    @property
    def engines(self) -> tuple[str, ...]:
        """The names that generations know its models by."""
        return tuple(each.engine_name for each in self.entries)


def devices_for(
    entries: Sequence[Entry], names: Sequence[str], successor: Successor | None = None, options: Sequence[str] = ()
) -> list[Device]:
    """Every model on every device of those names; none where there are no models. `options` are for each renderer.

    Several devices start with different models, as far as there are different ones.
    """
    made = []
    for number, name in enumerate((names or (FIRST_GPU,)) if entries else ()):
        first = number % len(entries)
        turned = (*entries[first:], *entries[:first])
        made.append(Device(f"device {name}", _renderers(name, turned, options), turned, successor))
    return made


def _renderers(device: str, entries: Sequence[Entry], options: Sequence[str]) -> Callable[[], RendererProcess]:
    own = ("--device", device, "--models", msgspec.json.encode(entries).decode())
    return lambda: RendererProcess((*RENDERER_COMMAND, *own, *options), OFFLINE, MODEL_PATIENCE)
