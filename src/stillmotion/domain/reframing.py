"""Reframing: the place of a finished clip's picture in a frame of another shape."""

from collections.abc import Mapping
from dataclasses import dataclass

from stillmotion.domain.errors import InvalidRequest, Problem

FARTHEST = 16_384
"""Largest number of pixels in any part of a placement."""


@dataclass(frozen=True, slots=True)
class Placement:
    """The rectangle of the new frame that the clip's picture is scaled into, in the new frame's pixels.

    None leaves the choice to the server: one missing side keeps the picture's shape, two fit the whole picture, and a
    missing edge centres it. The rectangle may reach beyond the frame, or leave a border to be filled.
    """

    left: int | None = None
    top: int | None = None
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """One axis of a placement as the Dream Machine's reframe has it, in pixels of the new frame; None is not given.

    `start` and `end` bound the picture. `position` (its start) and `resized` (its length) are the other form of the
    same; a request in both forms must agree.
    """

    start: int | None = None
    end: int | None = None
    position: int | None = None
    resized: int | None = None

    def problems(self, axis: str) -> list[Problem]:
        """Problems by wire field; `axis` is `x` or `y`."""
        start, end, position, resized = self._names(axis)
        said = {start: self.start, end: self.end, position: self.position, resized: self.resized}
        far = [name for name, value in said.items() if value is not None and abs(value) > FARTHEST]
        if far:
            return [Problem(name, f"must lie between -{FARTHEST} and {FARTHEST} pixels") for name in far]
        problems = []
        if self.start is not None and self.end is not None and self.end - self.start < 2:
            problems.append(Problem(end, f"must be at least 2 more than {start}"))
        if self.resized is not None and self.resized < 2:
            problems.append(Problem(resized, "must be at least 2 pixels"))
        if self.end is not None and self.start is None and self.position is None and self.resized is None:
            problems.append(Problem(start, f"is needed with {end}"))
        if None not in (self.start, self.position) and self.start != self.position:
            problems.append(Problem(position, f"contradicts {start}: leave one out, or make them equal"))
        if not problems and self.resized is not None and self.edges()[1] != self.resized:
            problems.append(Problem(resized, f"contradicts {start} and {end}: leave it out, or make it their distance"))
        return problems

    def edges(self) -> tuple[int | None, int | None]:
        """The edge nearest the origin, and the length."""
        edge = self.start if self.start is not None else self.position
        if self.end is None:
            return edge, self.resized
        if edge is None:
            return None if self.resized is None else self.end - self.resized, self.resized
        return edge, self.end - edge

    @staticmethod
    def _names(axis: str) -> tuple[str, str, str, str]:
        return f"{axis}_start", f"{axis}_end", f"grid_position_{axis}", f"resized_{_SIDES[axis]}"


_SIDES: Mapping[str, str] = {"x": "width", "y": "height"}


def placement(across: Bounds, down: Bounds) -> Placement | None:
    """Placement of both axes, None where neither is given. Raises `InvalidRequest` with wire fields."""
    problems = across.problems("x") + down.problems("y")
    if problems:
        raise InvalidRequest(*problems)
    if across == down == Bounds():
        return None
    (left, width), (top, height) = across.edges(), down.edges()
    return Placement(left, top, width, height)
