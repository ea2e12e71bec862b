"""A bar for each clip that is being made, on standard error."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stillmotion.cli.generate.targets import Report, is_url

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from stillmotion.client import Waiting


class Unseen:
    """Takes what becomes of a clip where there is no bar: a wait is said, since it would look like nothing at all."""

    def __call__(self, stage: str, fraction: float, preview: str | None = None, /) -> None:
        """Nobody looks."""

    def waiting(self, waiting: "Waiting") -> None:
        """Say it."""
        from stillmotion.cli.waits import say

        say(waiting)


class Bars:
    """Shows nothing: for scripts."""

    @contextmanager
    def bar(self, name: str) -> Iterator[Report]:
        """Where to report one clip's progress."""
        del name
        yield Unseen()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """For as long as something else is printed."""
        yield


class LiveBars(Bars):
    """A line a clip: its picture, what is being done, how far it is, how long it took and may yet take.

    Below them, where what is made so far can be seen: an address takes more lines than one, and is whole.
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
        """Where to report one clip's progress; the line goes when it is done."""
        task = self.progress.add_task("starting", total=1.0, name=name, preview=None)

        try:
            yield _Line(self.progress, task)
        finally:
            self.progress.remove_task(task)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take the lines away meanwhile: they and what is printed would overwrite each other."""
        self.progress.live.stop()
        try:
            yield
        finally:
            self.progress.live.start(refresh=True)


@dataclass(frozen=True, slots=True)
class _Line:
    """One clip's bar."""

    progress: "Progress"
    task: "TaskID"

    def __call__(self, stage: str, fraction: float, preview: str | None = None, /) -> None:
        self.progress.update(self.task, description=stage, completed=fraction, preview=preview)

    def waiting(self, waiting: "Waiting") -> None:
        from stillmotion.cli.waits import label

        self.progress.update(self.task, description=label(waiting))


@contextmanager
def bars(*, live: bool) -> Iterator[Bars]:
    """Bars for a person who looks at a terminal, or none."""
    if not (live and sys.stderr.isatty()):
        yield Bars()
        return
    shown = LiveBars()
    with shown.progress:
        yield shown
