"""A person's own motion as a layer of its own: it bends about its foot, and the wall behind it stays.

A head that nods or turns is taken for the front of an ellipsoid: its middle moves farthest, its outline hardly.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from stillmotion.engines.parallax.analysis.scene import Scene
from stillmotion.engines.parallax.camera.path import Samples
from stillmotion.engines.parallax.camera.projection import CELL
from stillmotion.engines.parallax.depth.cutout import FOOT, Cutout
from stillmotion.engines.parallax.depth.relief import STEEPEST_LAYER
from stillmotion.engines.parallax.motion.displacement import Cells, Deformation, combined
from stillmotion.engines.parallax.motion.regions import sampled
from stillmotion.engines.parallax.motion.timing import Beat
from stillmotion.engines.parallax.motion.waves import Waves, travelling
from stillmotion.vision.resize import Grid

LEAN = 0.17
"""Turn of the face of one who leans, in radians."""
SWAY = 0.09
BEND = 0.7
"""Exponent by which the angle grows with the height above the foot: hips turn little, the head most."""
ALONE = 2.2
"""Reach of a body beside the middle of its face, in face widths."""
NOD = 0.24
"""Way of the face's middle in a nod, in face heights."""
TURN = 0.24
"""Way of the face's middle in a turn, in face widths."""
FOLLOWS = 0.35
"""Fraction of that way that the whole head goes."""
BREATH = 0.012
"""Rise of the shoulders in a breath, as a fraction of the height above the foot."""
BOB = 0.025
SHIFT = 0.35
"""Sideways part of a step."""
FILLING = 0.4
"""Height of a face, as a fraction of the canvas's, from which a head moves less."""
HEAD = (0.85, 1.05)
"""Half axes of a head, in widths and heights of its face."""
BESIDE = 0.4
"""Steepness of the fading beside a person, where the wall is seen."""
EASED = 1.5
"""Largest slope of the smoothstep."""
CUT = 0.02
"""Reach of that fading along the edge, as a fraction of the longer side."""
_SIDES = (slice(0, 3), slice(-3, None))
NARROWEST = 12.0
"""Least width of that fading, in pixels."""
LIKE_HAIR = 28.0
"""Distance in Lab (8 bits) within which a colour is the hair's."""
UNLIKE_SKIN = 14.0
"""Distance in Lab at which a colour is no longer the skin's."""
CROWN = 0.22
"""Height of the crown, in face heights."""
STRANDS = Waves(size=0.018, length=0.11, beat=0.5, sideways=1.0, upright=0.15, slant=np.pi / 2, spread=0.4)
"""Waves that run down hanging hair and move it sideways, which folds nothing."""


@dataclass(frozen=True, slots=True)
class Stature:
    """A person on the canvas's cells.

    `body` is the person's share of each cell. `height` is 0 at the foot and 1 at the top of the head. `x` and `y` are
    places from the middle of the face, `tall` and `face` (width, height) lengths, in canvas pixels. `at_face` is the
    height of the face's middle. `cut` tells where the picture's edge cuts the person: left and right for each row, top
    for each column.
    """

    body: Grid
    height: Grid
    x: Grid
    y: Grid
    tall: float
    face: tuple[float, float]
    at_face: float
    cut: tuple[Any, Any, Any]
    loose: float
    """Share of its motion that a head bears: a face that fills the frame would look like a mask of rubber."""
    side: float
    """1 if the person has more room to the right, otherwise −1."""

    @classmethod
    def of(cls, cutout: Cutout, cells: Cells, beat: Beat) -> "Stature":
        """The stature of a person cut out."""
        rows, columns = cells.x.shape
        height, width = cutout.alpha.shape
        beyond = (0, rows * CELL - height, 0, columns * CELL - width)
        alpha = cv2.copyMakeBorder(cutout.alpha, *beyond, cv2.BORDER_REPLICATE)
        body = cv2.resize(alpha, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        face = cutout.face
        size = (face.right - face.left) * width, (face.bottom - face.top) * height
        x, y = cells.x - np.float32(face.centre[0] * width), cells.y - np.float32(face.centre[1] * height)
        top, foot = _ends(body, np.abs(x[0]) < size[0] / 2)
        foot = height if foot > (1 - FOOT) * height else foot
        tall = max(foot - top, 1.5 * size[1])
        above = np.clip((foot - cells.y) / tall, 0, 1).astype(np.float32)
        off = face.centre[0] - 0.5
        side = float(-np.sign(off)) if abs(off) > 0.04 else (1.0 if beat.seed % 2 == 0 else -1.0)
        at_face = min(1.0, max(0.2, (foot - face.centre[1] * height) / tall))
        loose = float(np.clip(1 - (size[1] / height - FILLING) / FILLING, 0.2, 1))
        return cls(body, above, x, y, tall, size, at_face, _cut(body), loose, side)

    def head(self) -> Any:
        """Squared distance from the middle of the head, 1 at its outline: height × width."""
        across, down = HEAD[0] * self.face[0], HEAD[1] * self.face[1]
        return (self.x / across) ** 2 + ((self.y + 0.12 * self.face[1]) / down) ** 2

    def dome(self) -> Any:
        """Nearness of a head's front: 1 in its middle, 0 from its outline on."""
        return np.clip(1 - self.head(), 0, 1) ** 1.5

    def above_neck(self) -> Any:
        """1 for the head, fading to 0 below the chin."""
        return 1 - _smooth((self.y / self.face[1] - 0.35) / 0.9)


_Moved = Callable[[Stature, Beat], tuple[Any, Samples]]


def _ends(body: Grid, columns: Any) -> tuple[float, float]:
    """Top of the head, in the face's columns, and the foot, in pixels."""
    head = np.flatnonzero((body[:, columns] > 0.5).any(axis=1))
    whole = np.flatnonzero((body > 0.5).any(axis=1))
    top = float(head[0]) * CELL if len(head) else 0.0
    return top, float(whole[-1] + 1) * CELL if len(whole) else float(len(body) * CELL)


def _bent(person: Stature, angle: float) -> Any:
    """Displacement of a body that bends about its foot, its face turned by an angle (radians, to the right)."""
    turned = angle * (person.height / person.at_face) ** BEND
    # The way sideways is the integral of the angle over the height.
    across = turned * person.tall * person.height / (BEND + 1)
    sunk = np.abs(across) * abs(angle) / 2
    # The turn is about the face, and leaves those beside the person upright.
    beside = person.x * np.exp(-((person.x / (ALONE * person.face[0])) ** 2))
    return np.dstack([across, turned * beside + sunk])


def _leaning(side: float | None = None) -> _Moved:
    def moved(person: Stature, beat: Beat) -> tuple[Any, Samples]:
        return _bent(person, (person.side if side is None else side) * LEAN), beat.arrive(0.62)

    return moved


def _swayed(person: Stature, beat: Beat) -> tuple[Any, Samples]:
    return _bent(person, SWAY), beat.swing(0.36)


def _breathed(person: Stature, beat: Beat) -> tuple[Any, Samples]:
    # The chest lifts the shoulders and widens; the head rides on them.
    rise = BREATH * person.tall * np.clip(person.height / 0.6, 0, 1)
    chest = np.exp(-((person.y / person.face[1] - 2.0) ** 2))
    return np.dstack([0.35 * BREATH * person.x * chest, -rise]), beat.swing(0.27)


def _nodded(person: Stature, beat: Beat) -> tuple[Any, Samples]:
    dip = NOD * person.loose * person.face[1] * (person.dome() + FOLLOWS * person.above_neck()) / (1 + FOLLOWS)
    return np.dstack([np.zeros_like(dip), dip]), (1 - np.cos(2 * np.pi * _cycles(beat, 0.55) * beat.x)) / 2


def _turned(person: Stature, beat: Beat) -> tuple[Any, Samples]:
    slide = (
        person.side
        * TURN
        * person.loose
        * person.face[0]
        * (person.dome() + FOLLOWS * person.above_neck())
        / (1 + FOLLOWS)
    )
    return np.dstack([slide, np.zeros_like(slide)]), beat.arrive(0.55)


def _walked(person: Stature, beat: Beat) -> tuple[Any, Samples]:
    step = BOB * person.tall * person.height**0.5
    return np.dstack([SHIFT * step, -step]), (1 - np.cos(2 * np.pi * _cycles(beat, 1.7) * beat.x)) / 2


def _cycles(beat: Beat, per_second: float) -> int:
    return max(1, round(per_second * beat.seconds))


_MOVED: Mapping[str, _Moved] = {
    "lean": _leaning(),
    "lean_left": _leaning(-1.0),
    "lean_right": _leaning(1.0),
    "sway": _swayed,
    "breathe": _breathed,
    "nod": _nodded,
    "turn": _turned,
    "walk": _walked,
}
HAIR = "hair"
ON_PEOPLE = frozenset({*_MOVED, HAIR})
"""Subject and ambient keys that move a person alone."""


def figure_moved(
    keys: Iterable[str], scene: Scene, cutout: Cutout, cells: Cells, beat: Beat, strength: float
) -> Deformation | None:
    """The person's motions as one displacement of the front layer; None if no key moves a person."""
    person = Stature.of(cutout, cells, beat)
    parts = []
    for number, key in enumerate(keys):
        if key == HAIR:
            region = free_hair(person, scene, cells)
            parts.append(travelling(STRANDS, region, cells, beat, strength, [beat.seed, number]))
        elif key in _MOVED:
            shape, weight = _MOVED[key](person, beat)
            shape = _held(person, (shape * strength).astype(np.float32), cells)
            shape = _beside(person, shape)
            parts.append(Deformation(shape[np.newaxis], weight[:, np.newaxis].astype(np.float32)))
    return combined(parts, STEEPEST_LAYER)


def _cut(body: Grid) -> tuple[Any, Any, Any]:
    """1 where the canvas's left and right edges cut the person in each row, and the top in each column, fading to 0."""
    reach = 2 * round(CUT * max(body.shape)) + 1
    left, right = (_along(body[:, columns].max(axis=1)[:, np.newaxis], (1, 2 * reach + 1)) for columns in _SIDES)
    return left, right, _along(body[:3].max(axis=0)[np.newaxis], (2 * reach + 1, 1))


def _along(edge: Any, window: tuple[int, int]) -> Any:
    """The largest values of a window, with soft ends outside it."""
    spread = cv2.dilate(cv2.dilate(edge, np.ones(window[::-1], np.uint8)), np.ones(window[::-1], np.uint8))
    return cv2.blur(spread, window, borderType=cv2.BORDER_REPLICATE)


def _held(person: Stature, shape: Grid, cells: Cells) -> Grid:
    """The displacement, fading to zero towards edges that cut the person: nothing is known beyond them."""
    left, right, top = person.cut
    across, down = shape[..., 0], shape[..., 1]
    # The farther a row has to go, the wider is its fading.
    wide = np.maximum(EASED / BESIDE * np.abs(across), 1.0)
    across = across * (1 - left * (1 - _smooth(cells.x / wide)))
    across = across * (1 - right * (1 - _smooth((cells.x[0, -1] - cells.x) / wide)))
    high = np.maximum(EASED / BESIDE * np.abs(down), 1.0)
    down = down * (1 - top * (1 - _smooth(cells.y / high)))
    return np.dstack([across, down]).astype(np.float32)


def _smooth(share: Any) -> Any:
    """Smoothstep."""
    inside = np.clip(share, 0, 1)
    return inside * inside * (3 - 2 * inside)


def _beside(person: Stature, shape: Grid) -> Grid:
    """A displacement in pixels that fades to zero beside the person, the sooner the smaller it is."""
    away = cv2.distanceTransform((person.body < 0.03).astype(np.uint8), cv2.DIST_L2, 5) * np.float32(CELL)
    reach = cv2.magnitude(shape[..., 0], shape[..., 1])
    share = np.clip(1 - away / np.maximum(reach / BESIDE, NARROWEST), 0, 1)
    return shape * share[..., np.newaxis]


def free_hair(person: Stature, scene: Scene, cells: Cells) -> Grid:
    """Hair that hangs free, 0 to 1: the more the farther it is from the middle of the head."""
    colours = np.dstack([sampled(np.ascontiguousarray(scene.colours[..., band]), cells) for band in range(3)])
    across, down = np.abs(person.x / person.face[0]), person.y / person.face[1]
    crown = (across < 0.35) & (person.height > 1 - CROWN * person.face[1] / person.tall) & (person.body > 0.7)
    skin = person.head() < 0.12
    if not crown.any() or not skin.any():
        return np.zeros_like(person.body)
    off_hair, off_skin = (np.linalg.norm(colours - np.median(colours[of], axis=0), axis=2) for of in (crown, skin))
    # Beside face and neck all that is not skin, further down what has the crown's colour.
    beside = (
        np.clip((off_skin - UNLIKE_SKIN) / UNLIKE_SKIN, 0, 1) * (across < 1.15) * np.clip((0.65 - down) / 0.25, 0, 1)
    )
    like = np.exp(-((off_hair / LIKE_HAIR) ** 2)) * np.clip((off_skin - off_hair) / UNLIKE_SKIN, 0, 1)
    hair = np.maximum(beside, like * ((across < 1.5) & (down < 3.0))) * person.body
    # A dress of that colour does not hang together with the head.
    labels = cv2.connectedComponents((hair > 0.2).astype(np.uint8))[1]
    hair = hair * np.isin(labels, np.unique(labels[(beside > 0.5) & (labels > 0)]))
    far = np.clip((np.sqrt(person.head()) - 0.75) / 0.6, 0, 1)
    return cv2.GaussianBlur((hair * far).astype(np.float32), (0, 0), 1.5)
