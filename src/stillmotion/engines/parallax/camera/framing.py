"""Framing: the picture in frame widths, with its lines, its faces and the subject of a move."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from stillmotion.engines.parallax.analysis.scene import Scene
from stillmotion.engines.parallax.camera.limits import around, company, head
from stillmotion.engines.parallax.camera.projection import NearnessMap
from stillmotion.engines.parallax.canvas import Canvas
from stillmotion.vision.faces import Box
from stillmotion.vision.resize import Grid

FARTHEST_AIM = 0.16
"""Distance of a push's fixed point from the frame's middle, in frame widths, unless the focus would leave the frame."""
INNER = 0.8
"""Part of the frame's sides in which the focus is kept."""
GROWTH = 1.3
"""Growth of what a push or a zoom of ordinary strength goes towards."""
FARTHEST_FACE = 0.21
"""The same if it is a face."""
EDGE = 0.03
"""Least distance of a face from the frame's edge, in frame widths, from which it is kept whole."""
SUBJECT_REACH = 0.06
"""Radius around the focus in which the subject is taken to be, in frame widths, if no face is there."""


@dataclass(frozen=True, slots=True)
class Framing:
    """A scene over a canvas; `picture` is the picture's width and height in pixels."""

    canvas: Canvas
    scene: Scene
    picture: tuple[int, int]

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

    def faces(self) -> list[Box]:
        """The faces that a move must keep whole, in canvas pixels."""
        found = (self.on_canvas(face) for face in company(self.scene.faces))
        return [face for face in found if self._is_well_inside(face)]

    def heads(self) -> list[Box]:
        """Their heads."""
        return [head(face) for face in self.faces()]

    def _is_well_inside(self, box: Box) -> bool:
        """True if a box (in canvas pixels) is not at the frame's edge already, where any move cuts it."""
        canvas, room = self.canvas, EDGE * self.canvas.frame.width
        right, bottom = canvas.left + canvas.frame.width, canvas.top + canvas.frame.height
        across = canvas.left + room < box.left and box.right < right - room
        return across and canvas.top + room < box.top and box.bottom < bottom - room

    def on_canvas(self, box: Box) -> Box:
        """A box in fractions of the picture, in canvas pixels."""
        canvas, region = self.canvas, self.canvas.region
        across = canvas.width / region.width
        down = canvas.height / region.height
        left, right = ((side * self.picture[0] - region.x) * across for side in (box.left, box.right))
        top, bottom = ((side * self.picture[1] - region.y) * down for side in (box.top, box.bottom))
        return Box(left, top, right, bottom)

    def aim(self) -> tuple[float, float]:
        """The fixed point of pushes and zooms: the subject's place, but not far from the frame's middle."""
        if self.scene.is_flat_art:
            return 0.0, 0.0
        x, y = self.place()
        if self.scene.faces:
            nearer = min(1.0, FARTHEST_FACE / max(float(np.hypot(x, y)), 1e-6))
            return x * nearer, y * nearer
        tall = self.canvas.frame.height / self.canvas.frame.width
        return _towards(x, 1.0), _towards(y, tall)

    def place(self) -> tuple[float, float]:
        """The focus in frame widths from the frame's middle, inside the frame."""
        x, y = self._focus()
        frame = self.canvas.frame
        tall = frame.height / frame.width / 2
        across, down = (x - self.canvas.left) / frame.width - 0.5, (y - self.canvas.top) / frame.width - tall
        return float(np.clip(across, -0.5, 0.5)), float(np.clip(down, -tall, tall))

    def subject_inverse(self, surface: NearnessMap) -> float:
        """Inverse distance of the subject: the median over its faces, or else around the focus."""
        x, y = self.place()
        spots = [(x, y, SUBJECT_REACH, SUBJECT_REACH)]
        if self.scene.faces:
            spots = [self._spot(self.on_canvas(face)) for face in company(self.scene.faces)]
        spread = np.linspace(-1, 1, 9, dtype=np.float32)
        read = [surface.at(*np.meshgrid(x + spread * wide, y + spread * high)) for x, y, wide, high in spots]
        return float(np.median(read))

    def _spot(self, face: Box) -> tuple[float, float, float, float]:
        """The middle of a face and a third of its sides, in frame widths."""
        canvas, width = self.canvas, self.canvas.frame.width
        x, y = face.centre
        across, down = x - canvas.left - width / 2, y - canvas.top - canvas.frame.height / 2
        return across / width, down / width, (face.right - face.left) / 3 / width, (face.bottom - face.top) / 3 / width

    def _focus(self) -> tuple[float, float]:
        """The focus in canvas pixels: the middle of the faces that the frame holds, if there are any."""
        canvas, region = self.canvas, self.canvas.region
        if self.scene.faces:
            faces = [self.on_canvas(face) for face in company(self.scene.faces)]
            x, y = around(faces, canvas.frame.width, canvas.frame.height).centre
        else:
            x = (self.scene.focus[0] * self.picture[0] - region.x) / region.width * canvas.width
            y = (self.scene.focus[1] * self.picture[1] - region.y) / region.height * canvas.height
        return min(max(x, 0.0), canvas.width - 1.0), min(max(y, 0.0), canvas.height - 1.0)

    def cells(self, x: Any, y: Any, grid: Grid) -> tuple[Any, Any]:
        """Column and row on a grid over the canvas of points in frame widths."""
        canvas, frame = self.canvas, self.canvas.frame
        height, width = grid.shape
        column = (x * frame.width + canvas.left + frame.width / 2) / canvas.width * width - 0.5
        row = (y * frame.width + canvas.top + frame.height / 2) / canvas.height * height - 0.5
        return column, row


def _towards(place: float, side: float) -> float:
    """The fixed point on one axis, for a focus at `place` in a frame of this side, in frame widths from the middle."""
    away = abs(place)
    # A wide frame leaves less room up and down.
    usual = min(1.0, side) * FARTHEST_AIM
    needed = (GROWTH * away - INNER * side / 2) / (GROWTH - 1)
    return float(np.copysign(min(away, max(usual, needed)), place))
