"""Progress bars on standard error, one for each clip under way."""

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from stillmotion.cli.generate.targets import Report, is_url

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from stillmotion.client import Generation, Waiting

LONGEST_IN_SECONDS: Final = 100
"""Number of seconds, or of minutes, from which on a larger unit is written."""


def standing(generation: "Generation") -> str:
    """Stage of a generation on a server, its place in line, and the time left, as far as the server tells them."""
    parts = [generation.stage or generation.state]
    if generation.queue_position is not None:
        parts.append(f"{generation.queue_position} in line")
    if generation.eta_seconds is not None:
        parts.append(f"about {_duration(generation.eta_seconds)}")
    return ", ".join(parts)


def _duration(seconds: float) -> str:
    if seconds < LONGEST_IN_SECONDS:
        return f"{math.ceil(seconds)} s"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} min" if minutes < LONGEST_IN_SECONDS else f"{minutes / 60:.1f} h"


class Unseen:
    """Report without a bar. A wait is printed all the same, since it would look like a standstill."""

    def __call__(self, stage: str, fraction: float, preview: str | None = None, /) -> None:
        """Ignore progress."""

    def waiting(self, waiting: "Waiting") -> None:
        """Print the wait."""
        from stillmotion.cli.waits import say

        say(waiting)


class Bars:
    """Invisible bars, for scripts."""

    @contextmanager
    def bar(self, name: str) -> Iterator[Report]:
        """Report for one clip's progress."""
        del name
        yield Unseen()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Context for printing something else."""
        yield


class LiveBars(Bars):
    """Bars at a terminal, one line a clip: picture, stage, progress, time taken and time left.

    Below them stands the address of each preview, whole, since it takes more than one line.
    """

    def __init__(self) -> None:
        from rich.console import Console, RenderableType
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.text import Text

        class Lines(Progress):
            def get_renderables(self) -> Iterator[RenderableType]:
                yield from super().get_renderables()
                for task in self.tasks:
                    if place := task.fields["preview"]:
                        # A terminal may not find an address that goes over lines by itself.
                        link = f"link {place}" if is_url(place) else ""
                        yield Text.assemble(f"{task.fields['name']}  so far: ", (place, link), overflow="fold")

        self.progress = Lines(
            TextColumn("{task.fields[name]}", markup=False),
            TextColumn("{task.description:>9}", markup=False),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )

    @contextmanager
    def bar(self, name: str) -> Iterator[Report]:
        """Report for one clip's progress; its line goes at the end."""
        task = self.progress.add_task("starting", total=1.0, name=name, preview=None)

        try:
            yield _Line(self.progress, task)
        finally:
            self.progress.remove_task(task)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Context for printing something else: the bars are removed meanwhile, lest the two overwrite each other."""
        self.progress.live.stop()
        try:
            yield
        finally:
            self.progress.live.start(refresh=True)


@dataclass(frozen=True, slots=True)
class _Line:
    """The bar of one clip."""

    progress: "Progress"
    task: "TaskID"

    def __call__(self, stage: str, fraction: float, preview: str | None = None, /) -> None:
        self.progress.update(self.task, description=stage, completed=fraction, preview=preview)

    def waiting(self, waiting: "Waiting") -> None:
        from stillmotion.cli.waits import label

        self.progress.update(self.task, description=label(waiting))


@contextmanager
def bars(*, live: bool) -> Iterator[Bars]:
    """Live bars at a terminal, else invisible ones."""
    if not (live and sys.stderr.isatty()):
        yield Bars()
        return
    shown = LiveBars()
    with shown.progress:
        yield shown
