"""The engine: job → scene → plan → path → frames."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.rendering import Frame, Picture, RenderJob, Rendering, Report
from stillmotion.domain.request import FrameSize
from stillmotion.engines.parallax.camera import FAR, CameraPath, camera_path
from stillmotion.engines.parallax.canvas import Canvas, as_array, lay_out
from stillmotion.engines.parallax.depth import cut, limited, nearness
from stillmotion.engines.parallax.geometry import Surface, Views, resolve
from stillmotion.engines.parallax.overscan import contained
from stillmotion.engines.parallax.plan import MotionPlan, Segment
from stillmotion.engines.parallax.scene import FaceFinder, Grid, Scene, analyse
from stillmotion.engines.parallax.warp import Warp

FPS = 24


class Parallax:
    """The embedded engine: a camera moved through one picture by its estimated depth. Implements `Engine`."""

    name = "parallax/1"

    def __init__(self) -> None:
        self._faces = FaceFinder()

    def render(self, job: RenderJob, report: Report) -> Rendering:
        """Analyse the picture and begin the clip."""
        plan = MotionPlan((Segment(("push_in",)),))
        count = round(job.seconds * FPS)
        shot = Shot.of(job.frame0, job.size, self._faces)
        path = camera_path(plan, count, job.seconds, job.seed)
        warp, views = shot.staged(path)
        def frames() -> Iterator[Frame]:
            for i in range(count):
                report(i / count)
                yield warp.draw(warp.sources(views.at(i)))
        return Rendering(job.size, FPS, count, frames(), plan.as_json())


@dataclass(frozen=True, slots=True)
class Shot:
    """One keyframe, ready to be filmed."""

    canvas: Canvas
    near: Grid
    scene: Scene

    @classmethod
    def of(cls, picture: Picture, size: FrameSize, faces: FaceFinder) -> "Shot":
        scene = analyse(as_array(picture), faces)
        canvas = lay_out(picture, size, scene.focus)
        cells = max(16, round(160 * canvas.width / max(canvas.width, canvas.height)))
        grid = (cells, max(2, round(cells * canvas.height / canvas.width)))
        near = cut(nearness(scene), canvas.region, (picture.width, picture.height), grid)
        return cls(canvas, near, scene)

    def staged(self, path: CameraPath) -> tuple[Warp, Views]:
        pivot = FAR + (1 - FAR) * self._near_focus()
        views = resolve(path, pivot, self._aim())
        surface = Surface.over(self.canvas, limited(self.near, self._reach(views)))
        views = contained(views, path.engaged, surface)
        return Warp(surface), views

    def _aim(self):
        c = self.canvas
        fx, fy = self.scene.focus
        # picture fraction → frame widths
        scale = c.width / c.region.width
        pw = self.scene_picture if False else None
        return (0.0, 0.0)

    def _near_focus(self) -> float:
        return 0.6

    def _reach(self, views: Views) -> Grid:
        h, w = self.near.shape
        c = self.canvas
        x = ((np.arange(w) + .5) / w * c.width - c.left) / c.frame.width - .5
        y = (((np.arange(h) + .5) / h * c.height - c.top) - c.frame.height / 2) / c.frame.width
        x, y = np.meshgrid(x, y)
        reach = np.zeros((h, w))
        for i in range(0, len(views.x), 6):
            reach = np.maximum(reach, np.hypot(views.x[i] - x * views.z[i], views.y[i] - y * views.z[i]))
        return (reach * (1 - FAR) * c.frame.width / c.width * w).astype(np.float32)
