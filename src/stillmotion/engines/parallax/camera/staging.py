"""Staging of one keyframe: laid out on a canvas, with its depth and its move reduced to what the picture bears."""

from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import cv2
import numpy as np

from stillmotion.domain.rendering import Picture, checkpoint
from stillmotion.domain.request import FrameSize
from stillmotion.engines.parallax.analysis.persons import Person
from stillmotion.engines.parallax.analysis.scene import Depth, Scene, analyse
from stillmotion.engines.parallax.camera.framing import Framing
from stillmotion.engines.parallax.camera.limits import contained, crop_centre, loses
from stillmotion.engines.parallax.camera.lines import MOST_BEND, StraightLines
from stillmotion.engines.parallax.camera.path import FAR, CameraPath
from stillmotion.engines.parallax.camera.projection import (
    CELL,
    NearnessMap,
    Views,
    corners,
    reach,
    resolve,
    surface_cells,
)
from stillmotion.engines.parallax.canvas import Canvas, lay_out
from stillmotion.engines.parallax.depth.cutout import Cutout, cut_out, fronted
from stillmotion.engines.parallax.depth.estimate import FLAT_NEARNESS, cut, dilated, limited, slant
from stillmotion.engines.parallax.depth.relief import LAYER_ROUNDS, Envelopes, crisp, relief_size
from stillmotion.engines.parallax.depth.source import Estimate
from stillmotion.vision.faces import FaceFinder
from stillmotion.vision.resize import Grid, Pixels, as_array, as_bytes

NEAR_CELLS = 160
"""Longest side of the depth grid over a canvas, in cells."""
REACH_MOMENTS = 11
"""Frames at which a move's reach is taken, the first and the last among them."""
STRAIGHTENINGS = 8
"""Times that depth is straightened and limited in turn: each undoes a little of the other."""
SLANT_TAKEN = 0.25
"""Part of a guess's slant that is given up for relief."""
WORTH_UPRIGHTS = 2.0
"""Bend, relative to the accepted one, above which upright lines may lean if that helps."""
STEEPEST = 0.4
"""Largest slope of a displacement along the camera's motion: at 1 a map would fold."""
LEAST_SLANT = 0.14
"""Least difference in nearness between foot and top of a flat surface, for a camera that goes around it."""
MOST_SLANT = 0.2
"""Largest such difference, for any surface: upright things lean with the plane that they are on."""
MOVE_SHARES = (1.0, 0.8, 0.62, 0.48)
"""Fractions of the camera's move, tried until the frame cuts no head."""
LESSER_SHARES = (0.48, 0.36)
"""Fractions that are tried after these until it cuts no face."""
LEAST_SHARE = 0.25
"""The fraction that is taken if it cuts one all the same."""
MOST_GROWTH = (0.12, 0.2)
"""Largest growth of an orbit's subject, since with more it looks like a zoom; the second where else nothing moves."""
ORBIT_INWARDS = (1.0, 1.7, 2.5)
"""Factors on an orbit's way inwards, tried in this order until something visibly moves."""
FLAT_TURN = 0.5
"""Fraction of an orbit's turn over a drawing."""
LEAST_REACH = 0.025
"""Median displacement that counts as visible, in frame widths."""
LONGEST_PUSH = 1.35
"""Largest factor on a push towards a far subject."""
FAR_SUBJECT = 0.5
"""Inverse distance below which a subject is far: a dolly zoom goes towards it."""
SEEN = 8
"""Mean share (of 255) of a person above which a cell is the person's."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A keyframe's canvas, its scene, and nearness (0 to 1) on a grid over the canvas.

    `picture` is the picture's width and height in pixels. `relief` is known depth on its own grid over the canvas, if
    the move is drawn in layers. With a `cutout` the person is drawn as a layer of its own, and `near` is the wall's.
    """

    canvas: Canvas
    scene: Scene
    near: Grid
    picture: tuple[int, int]
    relief: Grid | None = None
    cutout: Cutout | None = None

    @classmethod
    def of(cls, picture: Picture, size: FrameSize, faces: FaceFinder) -> "Stage":
        """Analyse a picture and lay it out for frames of `size`."""
        return cls.over(picture, size, analyse(as_array(picture), faces))

    @classmethod
    def over(
        cls, picture: Picture, size: FrameSize, scene: Scene, margin: float = 0.0, person: Person | None = None
    ) -> "Stage":
        """Lay out an analysed picture, with a person to be cut out if given; `margin` as in `canvas.lay_out`."""
        canvas = lay_out(picture, size, crop_centre(scene, (picture.width, picture.height), size), margin)
        scale = NEAR_CELLS / max(canvas.width, canvas.height)
        cells = (max(2, round(canvas.width * scale)), max(2, round(canvas.height * scale)))
        sides = (picture.width, picture.height)
        if scene.is_flat_art:
            return cls(canvas, scene, np.full(cells[::-1], FLAT_NEARNESS, np.float32), sides)
        depth = scene.depth or Estimate().depth(as_array(picture), scene)
        grid = cut(depth.near, canvas.region, sides, cells)
        if person is not None:
            cutout = cut_out(canvas, person, grid, sides)
            return cls(canvas, scene, cutout.wall, sides, None, cutout)
        return cls(canvas, scene, grid, sides, _relief(canvas, depth, sides))

    @property
    def framing(self) -> Framing:
        """The picture as the frame shows it."""
        return Framing(self.canvas, self.scene, self.picture)

    def fit_move(self, path: CameraPath) -> tuple[NearnessMap, Views]:
        """The surface and the largest fraction of the move whose views stay on the canvas and cut no face."""
        framing = self.framing
        faces, heads = framing.faces(), framing.heads()
        inverse = framing.subject_inverse(NearnessMap.over(self.canvas, self.near))
        if self.cutout is None and inverse < FAR_SUBJECT:
            # What is before a far subject goes out of the frame; going back it would leave the frame's edge empty.
            path = path.with_dolly_zooms_turned()
        if self.cutout is None and not self.scene.is_flat_art:
            path = path.with_longer_pushes(min(max(FAR_SUBJECT / inverse, 1.0), LONGEST_PUSH))
        surfaces, inwards = self._surfaces(path), 1.0
        if path.only_goes_round:
            shorter, inwards = self._subdued(path, surfaces)
            surfaces, path = self._reduced(surfaces, path, shorter), shorter
        tries = [(share, heads) for share in MOVE_SHARES] + [(share, faces) for share in LESSER_SHARES]
        for share, kept in tries:
            shorter = path.scaled(share)
            fitted = self._fitted(shorter, self._reduced(surfaces, path, shorter), inwards)
            if not any(loses(box, *fitted) for box in kept):
                return fitted
        shorter = path.scaled(LEAST_SHARE)
        return self._fitted(shorter, self._reduced(surfaces, path, shorter), inwards)

    def _subdued(self, path: CameraPath, surfaces: tuple[NearnessMap, ...]) -> tuple[CameraPath, float]:
        """An orbit short enough not to look like a zoom, and the factor on its way inwards that lets it be seen.

        If nearly all that is seen lies at the pivot, and so keeps its place, the camera comes closer instead.
        """
        front, views = self._fitted(path, surfaces, ORBIT_INWARDS[0])
        inverse = self.framing.subject_inverse(front)
        growth = float((views.zoom * views.overscan / (1 - inverse * views.z)).max()) - 1
        seen = corners(self.canvas)
        shorter, inwards = path, ORBIT_INWARDS[0]
        # Each share once: an orbit that grows little has its whole length under both limits.
        shares = dict.fromkeys(min(1.0, most / max(growth, 1e-6)) for most in MOST_GROWTH)
        for share, inwards in product(shares, ORBIT_INWARDS):
            shorter = path.scaled(share)
            is_whole = shorter is path and inwards == ORBIT_INWARDS[0]
            tried = views if is_whole else self._fitted(shorter, surfaces, inwards)[1]
            if reach(front, tried, seen) >= LEAST_REACH:
                break
        return shorter, inwards

    def _flown(self, path: CameraPath) -> Views:
        """The path without its turns and zooms, which change no depth."""
        return resolve(path, 0.0, (0.0, 0.0), self.framing.aim())

    def _surfaces(self, path: CameraPath) -> tuple[NearnessMap, ...]:
        """The surfaces that a path is seen over, the front one first."""
        flown = self._flown(path)
        if self.relief is not None:
            return self.surfaces(flown)
        wall = self._surface(flown, slanted=path.goes_round)
        return (wall,) if self.cutout is None else (self._before(wall, flown), wall)

    def _reduced(
        self, surfaces: tuple[NearnessMap, ...], path: CameraPath, shorter: CameraPath
    ) -> tuple[NearnessMap, ...]:
        """The surfaces for a shorter path: known depth shows the more the less the camera moves."""
        return surfaces if shorter is path or self.relief is None else self._surfaces(shorter)

    def _fitted(self, path: CameraPath, surfaces: tuple[NearnessMap, ...], inwards: float) -> tuple[NearnessMap, Views]:
        """The move with its pivot on the subject, and with the frame kept filled; `inwards` as in `resolve`."""
        framing = self.framing
        # On a drawing nothing is the subject: the camera turns less, and slides.
        subject = framing.subject_inverse(surfaces[0]) * (FLAT_TURN if self.scene.is_flat_art else 1.0)
        views = resolve(path, subject, framing.place(), framing.aim(), inwards)
        checkpoint()
        return surfaces[0], contained(views, path.engaged, *surfaces)

    def surfaces(self, views: Views) -> tuple[NearnessMap, NearnessMap]:
        """The front and the back layer's surfaces for a move. Raises `ValueError` without relief."""
        both = self.envelopes(views)
        front, back = (NearnessMap.over(self.canvas, near, LAYER_ROUNDS) for near in (both.upper, both.back))
        return front, back

    def _before(self, wall: NearnessMap, views: Views) -> NearnessMap:
        """The surface of the person cut out before a wall."""
        assert self.cutout is not None
        near = (wall.inverse - np.float32(FAR)) / np.float32(1 - FAR)
        body = _on_cells(self.cutout.alpha, near.shape)
        near = fronted(near, body, self.cutout.level, self.slides(views))
        return replace(NearnessMap.over(self.canvas, near, LAYER_ROUNDS), behind=wall)

    def envelopes(self, views: Views) -> Envelopes:
        """The envelopes of the relief for a move, on the cells of a `NearnessMap`. Raises `ValueError` without one."""
        if self.relief is None:
            raise ValueError("a stage without relief has no envelopes")
        return Envelopes.of(self.relief, self._to_relief(self.relief), surface_cells(self.canvas), self.slides(views))

    def _to_relief(self, relief: Grid) -> Any:
        """The matrix from a surface's cells to the relief's."""
        across, down = relief.shape[1] / self.canvas.width, relief.shape[0] / self.canvas.height
        return np.array(
            [[CELL * across, 0, (CELL * across - 1) / 2], [0, CELL * down, (CELL * down - 1) / 2]], np.float64
        )

    def slides(self, views: Views) -> tuple[Grid, Grid]:
        """As `_slides`, on the cells of a `NearnessMap`."""
        return self._slides(views, surface_cells(self.canvas))

    def _surface(self, views: Views, *, slanted: bool) -> NearnessMap:
        """The surface with the most depth that bends no straight line too far.

        Depth is corrected along straight lines. If they still bend, it is reduced towards a slanted plane: a plane
        keeps lines straight from any viewpoint.
        """
        height, width = self.near.shape
        slides, plane = np.add(*self._slides(views, (width, height))), self._plane(slanted=slanted)
        if self.scene.is_flat_art:
            return NearnessMap.over(self.canvas, plane)
        lines = StraightLines.of(self.framing.lines(), views)
        surface, near, bent = self._straightened(lines, views, slides)
        if bent > WORTH_UPRIGHTS * MOST_BEND:
            # Grass counts as upright too: with fewer demands the rest comes out straighter.
            surface, near, bent = self._straightened(lines.without_uprights(), views, slides)
        if bent > MOST_BEND:
            # The bend is nearly in proportion to the depth.
            surface = NearnessMap.over(self.canvas, plane + (near - plane) * np.float32(MOST_BEND / bent))
        return surface

    def _straightened(self, lines: StraightLines, views: Views, slides: Grid) -> tuple[NearnessMap, Grid, float]:
        """The surface with its depth corrected along lines, its nearness, and the bend that is left."""
        column, row = self.framing.cells(lines.x, lines.y, self.near)
        is_guess = self.scene.depth is None or self.scene.depth.raw is None
        near = limited(_relieved(self.near) if is_guess else self.near, slides, STEEPEST)
        for _ in range(STRAIGHTENINGS):
            # A change of scale keeps straight what is straight; a cut at 0 or 1 would not.
            near = dilated(_in_range(lines.straightened(near, column, row)), slides, STEEPEST)
            checkpoint()
        surface = NearnessMap.over(self.canvas, near)
        return surface, near, lines.bend(views, surface)

    def _plane(self, *, slanted: bool) -> Grid:
        """Plane of the depth; with `slanted`, at least slightly nearer at the foot than at the top."""
        slope = slant(self.near, MOST_SLANT, LEAST_SLANT if slanted else -np.inf).astype(np.float32)
        return np.clip(np.float32(self.near.mean()) + slope, 0, 1).astype(np.float32)

    def _slides(self, views: Views, cells: tuple[int, int]) -> tuple[Grid, Grid]:
        """Largest displacement of the nearest surface relative to the farthest, in cells, sideways and upright.

        One value for each of the canvas's `cells` (wide, high). A map folds by its slope along the motion: it stays
        below a limit if the slopes along both axes, each multiplied by this, do.
        """
        width, height = cells
        canvas, frame = self.canvas, self.canvas.frame
        columns = ((np.arange(width) + 0.5) / width * canvas.width - canvas.left) / frame.width - 0.5
        rows = ((np.arange(height) + 0.5) / height * canvas.height - canvas.top - frame.height / 2) / frame.width
        x, y = np.meshgrid(columns, rows)
        across, down = np.zeros((height, width)), np.zeros((height, width))
        for index in np.linspace(0, len(views.x) - 1, REACH_MOMENTS).round().astype(int):
            across = np.maximum(across, np.abs(views.x[index] - x * views.z[index]))
            down = np.maximum(down, np.abs(views.y[index] - y * views.z[index]))
        cells_per_width = (1 - FAR) * frame.width / canvas.width * width
        return (across * cells_per_width).astype(np.float32), (down * cells_per_width).astype(np.float32)


def _relief(canvas: Canvas, depth: Depth | None, picture: tuple[int, int]) -> Grid | None:
    """Known depth over the canvas, its steps set to the picture's edges; None if it is not to be drawn in layers."""
    if depth is None or depth.raw is None or not depth.is_layered:
        return None
    size = relief_size(canvas.width, canvas.height)
    luma = cv2.resize(canvas.fine, size, interpolation=cv2.INTER_AREA)
    relief = cut(depth.raw, canvas.region, picture, size)
    checkpoint()
    # The side of a cell of the known depth, in cells of the relief.
    cell = size[0] / canvas.region.width * picture[0] / depth.raw.shape[1]
    return crisp(relief, as_bytes(luma), cell)


def _in_range(near: Grid) -> Grid:
    """Nearness scaled to lie within 0 and 1, if it does not."""
    low, high = min(0.0, float(near.min())), max(1.0, float(near.max()))
    return (near - np.float32(low)) / np.float32(high - low)


def _on_cells(alpha: Pixels, shape: tuple[int, ...]) -> Any:
    """Mask of a surface's cells in or beside which a person is seen."""
    rows, columns = shape
    height, width = alpha.shape
    beyond = (0, rows * CELL - height, 0, columns * CELL - width)
    padded = cv2.copyMakeBorder(alpha, *beyond, cv2.BORDER_REPLICATE)
    seen = cv2.resize(padded, (columns, rows), interpolation=cv2.INTER_AREA) > SEEN
    return cv2.dilate(seen.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0


def _relieved(near: Grid) -> Grid:
    """A guess with a part of its slant taken away, and the rest spread over 0 to 1.

    One picture tells relief only up to a plane and a scale (Belhumeur, Kriegman and Yuille 1999), and a plane in motion
    shows no depth.
    """
    flatter = near - np.float32(SLANT_TAKEN) * slant(near).astype(np.float32)
    low, high = (float(level) for level in np.percentile(flatter, (1, 99)))
    # Where there is little else than slant, the rest is mostly noise.
    gain = min(1 / max(high - low, 1e-6), 1 / (1 - SLANT_TAKEN))
    return np.clip((flatter - (low + high) / 2) * gain + 0.5, 0, 1).astype(np.float32)
