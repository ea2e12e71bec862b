"""Trace of a journey: the functions of `src/stillmotion` in the order of their first calls, and who called them.

`sys.setprofile` is asked, as `sys.monitoring` needs Python 3.12.
"""

import inspect
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
SOURCE = f"{ROOT / 'src' / 'stillmotion'}/"

PORTS = "adapters"
"""The layer that the application calls by its ports (`application/ports`): a call into it is no way back."""

_NO_FUNCTIONS = ("<listcomp>", "<genexpr>", "<dictcomp>", "<setcomp>")


class Place(NamedTuple):
    """A function: its file below `src/stillmotion`, and its qualified name."""

    file: str
    function: str


@dataclass
class Trace:
    """The calls of one journey. `calls` holds each pair of caller and called once, in the order of the first call.

    `begins` and `roots` choose what is recorded. Of the main thread only calls count whose outermost function is in a
    file that begins with one of `roots`: there each task of the event loop has its own. Recording begins with the first
    call of a function named `begins`. Each new pair is told to `tell`.
    """

    roots: Sequence[str] = ("",)
    begins: str = ""
    tell: Callable[[Place | None, Place], None] | None = None
    calls: dict[tuple[Place | None, Place], None] = field(default_factory=dict)
    is_recording: bool = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear the threads that begin meanwhile, so that they can be recorded."""
        threading.setprofile(self._hear)
        try:
            yield
        finally:
            threading.setprofile(None)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record this thread, and those that are heard."""
        self.is_recording = True
        sys.setprofile(self._hear)
        try:
            yield
        finally:
            sys.setprofile(None)
            self.is_recording = False

    def _hear(self, frame: FrameType, event: str, _: object) -> None:
        if event != "call" or not (self.is_recording and frame.f_code.co_filename.startswith(SOURCE)):
            return
        places = [place for place in _outwards(frame) if place is not None]
        if not places or _is_import(frame) or (self.begins and places[0].function != self.begins):
            return
        self.begins = ""
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and not places[-1].file.startswith(tuple(self.roots)):
            return
        # Taking the next piece from a generator is no call: a stream that is handed down is data.
        is_stream = frame.f_code.co_flags & (inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR)
        pair = (None if is_stream or len(places) == 1 else places[1], places[0])
        if pair not in self.calls:
            self.calls[pair] = None
            if self.tell is not None:
                self.tell(*pair)


def _outwards(frame: FrameType | None) -> Iterator[Place | None]:
    """The functions of ours on the stack, from the innermost to the outermost."""
    while frame is not None:
        yield _place(frame.f_code)
        frame = frame.f_back


def _is_import(frame: FrameType | None) -> bool:
    """True for the body of a module or a class, which belongs to no function."""
    while frame is not None and frame.f_code.co_filename.startswith(SOURCE):
        if not frame.f_code.co_flags & inspect.CO_OPTIMIZED:
            return True
        frame = frame.f_back
    return False


def _place(code: CodeType) -> Place | None:
    if not code.co_filename.startswith(SOURCE) or code.co_name in _NO_FUNCTIONS:
        return None
    return Place(code.co_filename.removeprefix(SOURCE), code.co_qualname.replace(".<locals>", ""))


@dataclass(frozen=True)
class Walk:
    """The calls of a journey: the visits of files in order, and the calls that go outward."""

    visits: Sequence[tuple[str, Sequence[str]]]
    returns: int
    outward: Sequence[tuple[Place, Place]]
    by_ports: int

    @property
    def files(self) -> int:
        """Files that are entered."""
        return len({file for file, _ in self.visits})

    @property
    def functions(self) -> int:
        """Functions that are called."""
        return sum(len(functions) for _, functions in self.visits)


def walk_of(calls: Sequence[tuple[Place | None, Place]], layers: Mapping[str, int]) -> Walk:
    """Reduce calls to a walk. `layers` gives the layer of each top package, 0 for the outermost."""
    visits: list[tuple[str, list[str]]] = []
    seen, returns = set[Place](), 0
    for _, place in calls:
        if place in seen:
            continue
        seen.add(place)
        if not visits or visits[-1][0] != place.file:
            returns += any(file == place.file for file, _ in visits)
            visits.append((place.file, []))
        visits[-1][1].append(place.function)
    back = [
        (caller, place)
        for caller, place in calls
        if caller is not None and layers[_room(place)] < layers[_room(caller)]
    ]
    outward = [(caller, place) for caller, place in back if _room(place) != PORTS]
    return Walk(visits, returns, outward, len(back) - len(outward))


def _room(place: Place) -> str:
    return place.file.partition("/")[0].removesuffix(".py")


def layers() -> dict[str, int]:
    """The layers of import-linter's contract in pyproject.toml."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    ordered = next(each["layers"] for each in contracts if each["id"] == "layers")
    return {name.strip(" ()"): number for number, line in enumerate(ordered) for name in line.split("|")}
