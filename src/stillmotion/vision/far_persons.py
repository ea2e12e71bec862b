"""A person far away in a view: too small for a face, but upright, and unlike what is around."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from stillmotion.domain.rendering import checkpoint
from stillmotion.vision.faces import Box
from stillmotion.vision.resize import Grid, Pixels, fit_within

SIDE = 640
"""Longer side, in pixels, of the copy in which upright spots are sought."""
LEAST_SIDE = 300
"""Least longer side of a picture in which anybody is sought."""
PERSON = 0.5
"""Probability above which a cell is a person's."""
UNSURE = (0.1, 0.9)
"""Range of a look's cells that are neither person nor background."""
MOST_UNSURE = 0.8
"""Most unsure cells, relative to sure ones: a small person has a long outline."""
AREAS = (0.004, 0.2)
"""Range of the part of a look that a person covers."""
SLENDER = 1.4
"""Least height of a person, in widths."""
ALONE = 1.5
"""Most that a look may hold of people, relative to the largest of them: a rock is many people to the network."""

FARTHER = 2.0
"""Side of the look that has to see the same person again, over that of the first."""
SEEN_AGAIN = 0.3
"""Least mean probability in the person's box by that look."""

Look = Callable[[Pixels], Grid]
"""Probability of a person in each pixel of a square of the picture."""


@dataclass(frozen=True, slots=True)
class _Spots:
    """Upright spots of one size: sigmas across, down and of their surroundings, in pixels of 640 along the longer side.

    `look` is the side of the square that is looked at, as a fraction of the picture's longer side, and `most` the
    number of spots, the clearest first.
    """

    across: float
    down: float
    around: float
    look: float
    most: int


SIZES = (_Spots(1.5, 3, 6, 1 / 8, 3), _Spots(3, 6, 12, 1 / 4, 2))


def far_person(rgb: Pixels, look: Look) -> Box | None:
    """The person far away whom a network sees at one of the clearest upright spots; None if it sees nobody there.

    Whole views tell a network nothing of people so small, and to look everywhere takes a second.
    """
    if max(rgb.shape[:2]) < LEAST_SIDE:
        return None
    grey = cv2.cvtColor(fit_within(rgb, SIDE), cv2.COLOR_RGB2GRAY).astype(np.float32)
    for spots in SIZES:
        for x, y in _clearest(grey, spots):
            checkpoint()
            found = _person(rgb, (x, y), spots.look, look)
            if found is None:
                continue
            # A cat's pupil has a person's outline, but not from twice as far.
            if _seen_again(rgb, found, FARTHER * spots.look, look):
                return found
    return None


def _clearest(grey: Grid, spots: _Spots) -> Iterator[tuple[float, float]]:
    """Middles of the spots, in fractions of the sides (differences of Gaussians)."""
    height, width = grey.shape
    scale = max(height, width) / SIDE
    spot = cv2.GaussianBlur(grey, (0, 0), sigmaX=spots.across * scale, sigmaY=spots.down * scale)
    apart = np.abs(spot - cv2.GaussianBlur(grey, (0, 0), spots.around * scale))
    reach = round(spots.look * max(height, width) / 3)
    for _ in range(spots.most):
        row, column = (int(at) for at in np.unravel_index(int(np.argmax(apart)), apart.shape))
        yield column / width, row / height
        apart[max(0, row - reach) : row + reach, max(0, column - reach) : column + reach] = 0


def _person(rgb: Pixels, spot: tuple[float, float], part: float, look: Look) -> Box | None:
    """The person in the square around a spot, if there is one alone, whole and slender."""
    square = _CloseLook.around(rgb, spot, part)
    seen = look(square.of(rgb))
    count, _, boxes, _ = cv2.connectedComponentsWithStats((seen > PERSON).astype(np.uint8))
    if count < 2:
        return None
    x, y, wide, high, area = (int(each) for each in boxes[1 + int(np.argmax(boxes[1:, cv2.CC_STAT_AREA]))])
    sure = int((seen >= UNSURE[1]).sum())
    unsure = int(((seen > UNSURE[0]) & (seen < UNSURE[1])).sum())
    is_whole = min(x, y) > 0 and x + wide < square.side and y + high < square.side
    is_alone = int((seen > PERSON).sum()) <= ALONE * area
    is_clear = AREAS[0] <= area / seen.size <= AREAS[1] and unsure <= MOST_UNSURE * sure
    if not (is_whole and is_alone and is_clear and high >= SLENDER * wide):
        return None
    height, width = rgb.shape[:2]
    left, top = square.left + x, square.top + y
    return Box(left / width, top / height, (left + wide) / width, (top + high) / height)


def _seen_again(rgb: Pixels, person: Box, part: float, look: Look) -> bool:
    square = _CloseLook.around(rgb, person.centre, part)
    height, width = rgb.shape[:2]
    rows = slice(max(0, round(person.top * height) - square.top), round(person.bottom * height) - square.top)
    columns = slice(max(0, round(person.left * width) - square.left), round(person.right * width) - square.left)
    return float(look(square.of(rgb))[rows, columns].mean()) >= SEEN_AGAIN


@dataclass(frozen=True, slots=True)
class _CloseLook:
    """A square of a picture, in its pixels."""

    left: int
    top: int
    side: int

    @classmethod
    def around(cls, rgb: Pixels, place: tuple[float, float], part: float) -> "_CloseLook":
        """The square around a place, within the picture; `part` is its side over the picture's longer one."""
        height, width = rgb.shape[:2]
        side = min(round(part * max(height, width)), height, width)
        left, top = (round(at * whole - side / 2) for at, whole in zip(place, (width, height), strict=True))
        return cls(min(max(left, 0), width - side), min(max(top, 0), height - side), side)

    def of(self, rgb: Pixels) -> Pixels:
        """The picture there."""
        return rgb[self.top : self.top + self.side, self.left : self.left + self.side]
