"""Staging of one keyframe: laid out on a canvas, with its depth and its move reduced to what the picture bears."""

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from stillmotion.domain.rendering import Picture, checkpoint
from stillmotion.domain.request import FrameSize
from stillmotion.engines.parallax.analysis.persons import Person
from stillmotion.engines.parallax.analysis.scene import Depth, Scene, analyse
from stillmotion.engines.parallax.camera.limits import around, company, contained, crop_centre, head, loses
from stillmotion.engines.parallax.camera.lines import MOST_BEND, StraightLines
from stillmotion.engines.parallax.camera.path import FAR, CameraPath
from stillmotion.engines.parallax.camera.projection import (
    CELL,
    NearnessMap,
    Views,
    resolve,
    surface_cells,
)
from stillmotion.engines.parallax.canvas import Canvas, lay_out
from stillmotion.engines.parallax.depth.cutout import Cutout, cut_out, fronted
from stillmotion.engines.parallax.depth.estimate import FLAT_NEARNESS, cut, dilated, limited
from stillmotion.engines.parallax.depth.relief import LAYER_ROUNDS, Envelopes, crisp, relief_size
from stillmotion.engines.parallax.depth.source import Estimate
from stillmotion.vision.faces import Box, FaceFinder
from stillmotion.vision.resize import Grid, Pixels, as_array, as_bytes

NEAR_CELLS = 160
"""Longest side of the depth grid over a canvas, in cells."""
FARTHEST_AIM = 0.16
"""Largest distance of a push's fixed point from the frame's middle, in frame widths."""
FARTHEST_FACE = 0.21
"""The same if it is a face."""
REACH_MOMENTS = 11
"""Frames at which a move's reach is taken, the first and the last among them."""
STRAIGHTENINGS = 6
"""Times that depth is straightened and limited in turn: each undoes a little of the other."""
WORTH_UPRIGHTS = 1.8
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
FAR_SUBJECT = 0.5
"""Inverse distance below which a subject is far: a dolly zoom goes towards it."""
EDGE = 0.03
"""Least distance of a face from the frame's edge, in frame widths, from which it is kept whole."""
SUBJECT_REACH = 0.06
"""Radius around the focus in which the subject is taken to be, in frame widths, if no face is there."""
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

    def fit_move(self, path: CameraPath) -> tuple[NearnessMap, Views]:
        """The surface and the largest fraction of the move whose views stay on the canvas and cut no face."""
        faces = [box for face in company(self.scene.faces) if self._is_well_inside(box := self._on_canvas(face))]
        heads = [head(face) for face in faces]
        if self._subject_inverse(NearnessMap.over(self.canvas, self.near)) < FAR_SUBJECT:
            # What is before a far subject goes out of the frame; going back it would leave the frame's edge empty.
            path = path.with_dolly_zooms_turned()
        surface = None if self.relief is not None else self._surface(self._flown(path), slanted=path.goes_round)
        tries = [(share, heads) for share in MOVE_SHARES] + [(share, faces) for share in LESSER_SHARES]
        for share, kept in tries:
            fitted = self._fitted(path.scaled(share), surface)
            if not any(loses(box, *fitted) for box in kept):
                return fitted
        return self._fitted(path.scaled(LEAST_SHARE), surface)

    def _is_well_inside(self, box: Box) -> bool:
        """True if a box (in canvas pixels) is not at the frame's edge already, where any move cuts it."""
        canvas, room = self.canvas, EDGE * self.canvas.frame.width
        right, bottom = canvas.left + canvas.frame.width, canvas.top + canvas.frame.height
        across = canvas.left + room < box.left and box.right < right - room
        return across and canvas.top + room < box.top and box.bottom < bottom - room

    def _flown(self, path: CameraPath) -> Views:
        """The path without its turns and zooms, which change no depth."""
        return resolve(path, 0.0, (0.0, 0.0), self._aim())

    def _fitted(self, path: CameraPath, surface: NearnessMap | None) -> tuple[NearnessMap, Views]:
        """The move with its pivot on the subject, and with the frame kept filled.

        The surface of a larger move serves for a smaller one, but relief shows more the smaller the move.
        """
        flown = self._flown(path)
        surfaces: tuple[NearnessMap, ...] = self.surfaces(flown) if surface is None else (surface,)
        if self.cutout is not None:
            surfaces = (self._before(surfaces[0], flown), *surfaces)
        checkpoint()
        views = resolve(path, self._subject_inverse(surfaces[0]), self._place(), self._aim())
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
        lines = StraightLines.of(self.lines(), views)
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
        column, row = self._cells(lines.x, lines.y)
        near = limited(self.near, slides, STEEPEST)
        for _ in range(STRAIGHTENINGS):
            # A change of scale keeps straight what is straight; a cut at 0 or 1 would not.
            near = dilated(_in_range(lines.straightened(near, column, row)), slides, STEEPEST)
            checkpoint()
        surface = NearnessMap.over(self.canvas, near)
        return surface, near, lines.bend(views, surface)

    def _cells(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Column and row on the depth grid of points in frame widths."""
        canvas, frame = self.canvas, self.canvas.frame
        height, width = self.near.shape
        column = (x * frame.width + canvas.left + frame.width / 2) / canvas.width * width - 0.5
        row = (y * frame.width + canvas.top + frame.height / 2) / canvas.height * height - 0.5
        return column, row

    def _plane(self, *, slanted: bool) -> Grid:
        """Least-squares plane of the depth; with `slanted`, at least slightly nearer at the foot than at the top."""
        height, width = self.near.shape
        x, y = np.meshgrid(np.linspace(-0.5, 0.5, width), np.linspace(-0.5, 0.5, height))
        # On a regular grid the axes are orthogonal: each slope is a projection.
        slopes = (float((self.near * axis).sum() / (axis * axis).sum()) for axis in (x, y))
        across, down = (max(-MOST_SLANT, min(MOST_SLANT, slope)) for slope in slopes)
        down = max(down, LEAST_SLANT) if slanted else down
        mean = float(self.near.mean())
        return np.clip(mean + across * x + down * y, 0, 1).astype(np.float32)

    def lines(self) -> Grid:
        """The scene's straight segments, n × 4, in frame widths."""
        canvas, region = self.canvas, self.canvas.region
        scale = np.array(
            [self.picture[0] / region.width * canvas.width, self.picture[1] / region.height * canvas.height]
        )
        start = np.array([region.x / region.width * canvas.width, region.y / region.height * canvas.height])
        middle = np.array([canvas.left + canvas.frame.width / 2, canvas.top + canvas.frame.height / 2])
        points = self.scene.lines.reshape(-1, 2) * scale - start - middle
        return np.asarray(points.reshape(-1, 4) / canvas.frame.width, np.float32)

    def _on_canvas(self, box: Box) -> Box:
        """A box in fractions of the picture, in canvas pixels."""
        canvas, region = self.canvas, self.canvas.region
        across = canvas.width / region.width
        down = canvas.height / region.height
        left, right = ((side * self.picture[0] - region.x) * across for side in (box.left, box.right))
        top, bottom = ((side * self.picture[1] - region.y) * down for side in (box.top, box.bottom))
        return Box(left, top, right, bottom)

    def _focus(self) -> tuple[float, float]:
        """The focus in canvas pixels: the middle of the faces that the frame holds, if there are any."""
        canvas, region = self.canvas, self.canvas.region
        if self.scene.faces:
            faces = [self._on_canvas(face) for face in company(self.scene.faces)]
            x, y = around(faces, canvas.frame.width, canvas.frame.height).centre
        else:
            x = (self.scene.focus[0] * self.picture[0] - region.x) / region.width * canvas.width
            y = (self.scene.focus[1] * self.picture[1] - region.y) / region.height * canvas.height
        return min(max(x, 0.0), canvas.width - 1.0), min(max(y, 0.0), canvas.height - 1.0)

    def _aim(self) -> tuple[float, float]:
        """The fixed point of pushes and zooms: the subject's place, but not far from the frame's middle."""
        if self.scene.is_flat_art:
            return 0.0, 0.0
        x, y = self._place()
        if self.scene.faces:
            nearer = min(1.0, FARTHEST_FACE / max(float(np.hypot(x, y)), 1e-6))
            return x * nearer, y * nearer
        frame = self.canvas.frame
        # A wide frame leaves less room up and down.
        tall = min(1.0, frame.height / frame.width) * FARTHEST_AIM
        return float(np.clip(x, -FARTHEST_AIM, FARTHEST_AIM)), float(np.clip(y, -tall, tall))

    def _place(self) -> tuple[float, float]:
        """The focus in frame widths from the frame's middle, inside the frame."""
        x, y = self._focus()
        frame = self.canvas.frame
        tall = frame.height / frame.width / 2
        across, down = (x - self.canvas.left) / frame.width - 0.5, (y - self.canvas.top) / frame.width - tall
        return float(np.clip(across, -0.5, 0.5)), float(np.clip(down, -tall, tall))

    def _subject_inverse(self, surface: NearnessMap) -> float:
        """Inverse distance of the subject: the median over its faces, or else around the focus."""
        x, y = self._place()
        spots = [(x, y, SUBJECT_REACH, SUBJECT_REACH)]
        if self.scene.faces:
            spots = [self._spot(self._on_canvas(face)) for face in company(self.scene.faces)]
        spread = np.linspace(-1, 1, 9, dtype=np.float32)
        read = [surface.at(*np.meshgrid(x + spread * wide, y + spread * high)) for x, y, wide, high in spots]
        return float(np.median(read))

    def _spot(self, face: Box) -> tuple[float, float, float, float]:
        """The middle of a face and a third of its sides, in frame widths."""
        canvas, width = self.canvas, self.canvas.frame.width
        x, y = face.centre
        across, down = x - canvas.left - width / 2, y - canvas.top - canvas.frame.height / 2
        return across / width, down / width, (face.right - face.left) / 3 / width, (face.bottom - face.top) / 3 / width

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
