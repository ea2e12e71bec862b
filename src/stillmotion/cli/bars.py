"""A bar for each clip that is being made, on standard error."""

from collections.abc import Iterator
from contextlib import contextmanager

from stillmotion.cli.orders import Report


class Bars:
    """Shows nothing: for scripts."""

    @contextmanager
    def bar(self, name: str) -> Iterator[Report]:
        """Where to report one clip's progress."""
        del name
        yield lambda _stage, _fraction: None


class LiveBars(Bars):
    """A line a clip: its picture, what is being done, how far it is, how long it took and may yet take."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self.progress = Progress(
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
        task = self.progress.add_task("starting", total=1.0, name=name)

        def report(stage: str, fraction: float) -> None:
            self.progress.update(task, description=stage, completed=fraction)

        try:
            yield report
        finally:
            self.progress.remove_task(task)


@contextmanager
def bars(*, live: bool) -> Iterator[Bars]:
    """Bars for a person, or none."""
    if not live:
        yield Bars()
        return
    shown = LiveBars()
    with shown.progress:
        yield shown
