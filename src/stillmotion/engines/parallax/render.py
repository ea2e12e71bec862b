"""The engine: job → scene → plan → camera → frames."""

from collections.abc import Callable, Iterator

import cv2
import numpy as np

from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.rendering import Frame, Rendering, RenderJob, Report
from stillmotion.engines.parallax.camera import CameraPath, camera_path, ease, times
from stillmotion.engines.parallax.choice import settled
from stillmotion.engines.parallax.deformation import Cells, joined
from stillmotion.engines.parallax.plan import MotionPlan
from stillmotion.engines.parallax.prompt import read
from stillmotion.engines.parallax.scene import FaceFinder
from stillmotion.engines.parallax.shot import Shot
from stillmotion.engines.parallax.subject import Beat, deformations
from stillmotion.engines.parallax.warp import Warp

FPS = 24
DISSOLVE = (0.22, 0.86)
"""The part of a clip between two keyframes in which one becomes the other."""

Draw = Callable[[int], Frame]
"""Draws the frame of an index."""


class Parallax:
    """The embedded engine: a camera moved through one picture by its estimated depth. Implements `Engine`."""

    name = "parallax/1"

    def __init__(self) -> None:
        self._faces = FaceFinder()

    def render(self, job: RenderJob, report: Report) -> Rendering:
        """Analyse the keyframes; frames are drawn as they are taken.

        With `frame0` the clip starts at that picture, with `frame1` it ends at that one, with both it goes from
        one to the other. Raises `GenerationFailed` (code `image_required`) where there is neither.
        """
        opening = job.frame0 or job.frame1
        if opening is None:
            raise GenerationFailed("image_required", "This engine moves pictures: give it an image to start from.")
        report(0.0)
        count = max(1, round(job.seconds * FPS))
        loop_asked = job.loop and (job.frame0 is None or job.frame1 is None)
        shot = Shot.of(opening, job.size, self._faces)
        report(0.0)
        asked = read(job.prompt, job.concepts, loop=loop_asked)
        plan = settled(asked, shot.scene, job.size.width, job.size.height)
        path = camera_path(plan, count, job.seconds, job.seed)
        if job.frame0 is None:
            draw = _filmed(shot, path.arriving(), plan, job, count)
        else:
            draw = _filmed(shot, path, plan, job, count)
            if job.frame1 is not None:
                report(0.0)
                ending = Shot.of(job.frame1, job.size, self._faces)
                draw = _dissolved(draw, _filmed(ending, path.arriving(), plan, job, count), count)
        return Rendering(
            size=job.size,
            fps=FPS,
            frame_count=count,
            frames=_reported(draw, count, report),
            plan=plan.as_json(),
            telling_frame=count - 1 if path.ends_on_whole else 0,
        )


def _filmed(shot: Shot, path: CameraPath, plan: MotionPlan, job: RenderJob, count: int) -> Draw:
    """A shot as the camera goes through it."""
    surface, views = shot.staged(path)
    warp = Warp(surface)
    beat = Beat(times(count, loop=plan.loop), job.seconds, plan.loop, job.seed)
    cells = Cells.of(surface, shot.picture)
    moving = joined(deformations(plan.subject, shot.scene, cells, beat, plan.strength))

    def draw(index: int) -> Frame:
        displacement = None if moving is None else moving.at(index)
        return warp.draw(warp.sources(views.at(index), displacement))

    return draw


def _dissolved(first: Draw, second: Draw, count: int) -> Draw:
    """From one clip to the other, the last frame being wholly the second's."""
    start, end = DISSOLVE
    shares = ease((times(count, loop=False) - start) / (end - start), 0.5)

    def draw(index: int) -> Frame:
        share = float(shares[index])
        if share <= 0 and index < count - 1:
            return first(index)
        other = second(index)
        if share >= 1 or index == count - 1:
            return other
        mixed = cv2.addWeighted(first(index).planes, 1 - share, other.planes, share, 0)
        return Frame(other.width, other.height, np.ascontiguousarray(mixed.reshape(-1)))

    return draw


def _reported(draw: Draw, count: int, report: Report) -> Iterator[Frame]:
    for index in range(count):
        report(index / count)
        yield draw(index)
    report(1.0)
