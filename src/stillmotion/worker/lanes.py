"""Lanes: the order of engines in which a renderer looks for its next generation."""

from collections.abc import Sequence
from typing import Protocol

from stillmotion.application.ports.store import Engines

STINT = 8
"""So many clips in a row a device makes with the model it holds while another's wait: loading one takes minutes at
worst, and nobody should wait for good."""


class LaneOrder(Protocol):
    """The order in which a lane looks for work."""

    def wanted(self) -> Sequence[Engines]:
        """Groups of engines to claim for: the first group that has any generation."""
        ...

    def took(self, engine: str) -> None:
        """Note the claim of a generation for that engine."""
        ...


class AnyModel:
    """Order of a lane whose engines are all loaded: first come, first served."""

    def __init__(self, engines: Engines) -> None:
        self._engines = (engines,)

    def wanted(self) -> Sequence[Engines]:
        """`LaneOrder`."""
        return self._engines

    def took(self, engine: str) -> None:
        """`LaneOrder`."""


class Stints:
    """A device that holds one model at a time stays with it while there is work for it, up to a stint; then it takes
    whatever comes first. Of the models it is for, `engines`, it holds the first from its start on.
    """

    def __init__(self, engines: Sequence[str], stint: int = STINT) -> None:
        self._all = Engines(frozenset(engines), others=False)
        self._held, self._in_a_row, self._stint = engines[0], 0, stint

    def wanted(self) -> Sequence[Engines]:
        """`LaneOrder`."""
        held = Engines(frozenset({self._held}), others=False)
        if held == self._all:
            return (held,)
        if self._in_a_row < self._stint:
            return held, self._all
        others = self._all.named - held.named
        return Engines(others, others=False), held

    def took(self, engine: str) -> None:
        """`LaneOrder`."""
        self._in_a_row = self._in_a_row + 1 if engine == self._held else 1
        self._held = engine
