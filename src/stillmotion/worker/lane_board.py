"""Board of a host's lanes: the engine of each, and the generation that it makes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from stillmotion.application.ports.values import Clock
from stillmotion.domain.generation import Generation
from stillmotion.domain.operators.processes import LaneReport


@dataclass(frozen=True, slots=True)
class LaneBoard:
    """The lanes of one host, by name."""

    clock: Clock
    _lanes: dict[str, LaneReport] = field(default_factory=dict)

    @property
    def reports(self) -> tuple[LaneReport, ...]:
        """Every lane as it is now."""
        return tuple(self._lanes.values())

    def set_up(self, name: str, engine: str = "") -> None:
        """Note a free lane, and the engine that it holds, if it is for one alone."""
        self._lanes[name] = LaneReport(name, engine)

    @contextmanager
    def at_work(self, name: str, generation: Generation) -> Iterator[None]:
        """Note for a while that a lane makes a generation. Afterwards it still holds that engine."""
        self._lanes[name] = LaneReport(name, generation.engine, generation.id, self.clock.now())
        try:
            yield
        finally:
            self.set_up(name, generation.engine)
