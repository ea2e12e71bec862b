"""The engine: job → scene → plan → camera → frames."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import cv2

from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.rendering import Frame, Rendering, RenderJob, Report
from stillmotion.engines.parallax.ambient import REGIONS, absent, drifting, stirred
from stillmotion.engines.parallax.camera import CameraPath, camera_path, ease, times
from stillmotion.engines.parallax.choice import settled
from stillmotion.engines.parallax.deformation import Cells, joined
from stillmotion.engines.parallax.plan import Ignored, MotionPlan
from stillmotion.engines.parallax.prompt import read
from stillmotion.engines.parallax.scene import FaceFinder, Grid, Scene
from stillmotion.engines.parallax.shot import Shot
from stillmotion.engines.parallax.subject import MOTIONS, Beat, deformations
from stillmotion.engines.parallax.warp import Warp
from stillmotion.engines.parallax.weather import FLICKERS, WEATHER, Flicker, Weather, unlit

FPS = 24
THREADS = 2
"""OpenCV's own threads for one frame; the encoder has others."""
DISSOLVE = (0.22, 0.86)
"""The part of a clip between two keyframes in which one becomes the other."""

Draw = Callable[[int], Frame]
"""Draws the frame of an index."""


class Parallax:
    """The embedded engine: a camera moved through one picture by its estimated depth. Implements `Engine`."""

    name = "parallax/1"

    def __init__(self) -> None:
        # For the whole process: with more, on machines with many cores, they wait for each other.
        cv2.setNumThreads(THREADS)
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
        plan = possible(settled(asked, shot.scene, job.size.width, job.size.height), shot.scene)
        path = camera_path(plan, count, job.seconds, job.seed)
        arriving = camera_path(plan, count, job.seconds, job.seed, arriving=True)
        if job.frame0 is None:
            draw = _filmed(shot, arriving, plan, job, count)
        else:
            draw = _filmed(shot, path, plan, job, count)
            if job.frame1 is not None:
                report(0.0)
                ending = Shot.of(job.frame1, job.size, self._faces)
                draw = _dissolved(draw, _filmed(ending, arriving, plan, job, count), count)
        return Rendering(
            size=job.size,
            fps=FPS,
            frame_count=count,
            frames=_reported(draw, count, report),
            plan=plan.as_json(),
            telling_frame=count - 1 if path.ends_on_whole else 0,
        )


def possible(plan: MotionPlan, scene: Scene) -> MotionPlan:
    """The plan less what the picture or this engine does not have, each with its reason among the ignored."""
    why = {key: _impossible(key, scene) for key in (*plan.subject, *plan.ambient)}
    return replace(
        plan,
        subject=tuple(key for key in plan.subject if why[key] is None),
        ambient=tuple(key for key in plan.ambient if why[key] is None),
        ignored=plan.ignored + tuple(reason for reason in why.values() if reason is not None),
    )


def _impossible(key: str, scene: Scene) -> Ignored | None:
    if key in REGIONS:
        return absent(key, scene)
    if key in FLICKERS:
        return unlit(key, scene)
    if key in MOTIONS:
        return Ignored(key, "drawings and text are moved as a whole") if scene.is_flat_art else None
    return None if key in WEATHER else Ignored(key, "this engine cannot move it yet")


def _filmed(shot: Shot, path: CameraPath, plan: MotionPlan, job: RenderJob, count: int) -> Draw:
    """A shot as the camera goes through it, its subject and surroundings stirring."""
    surface, views = shot.staged(path)
    warp = Warp(surface)
    beat = Beat(times(count, loop=plan.loop), job.seconds, plan.loop, job.seed)
    cells, scene, strength = Cells.of(surface, shot.picture), shot.scene, plan.strength
    subject = deformations(plan.subject, scene, cells, beat, strength)
    moving = joined([*subject, *stirred((*plan.subject, *plan.ambient), scene, cells, beat, strength)])
    drift = drifting(plan.ambient, scene, cells, beat, strength)
    flicker = Flicker(plan.ambient, scene, cells, beat, strength)
    weather = Weather(plan.ambient, (job.size.width, job.size.height), beat, strength)

    def draw(index: int) -> Frame:
        view = views.at(index)
        displacement = None if moving is None else moving.at(index)
        sources = warp.sources(view, displacement)
        if drift is None:
            frame = warp.draw(sources)
        else:
            copies = drift.copies(index)
            drifted = [warp.sources(view, _sum(displacement, shape)) for shape, _ in copies]
            frame = _mixed([(warp.draw(there), share) for there, (_, share) in zip(drifted, copies, strict=True)])
        return weather.over(flicker.over(frame, index, sources, warp), index)

    return draw


def _sum(one: Grid | None, other: Grid) -> Grid:
    return other if one is None else one + other


def _mixed(frames: Sequence[tuple[Frame, float]]) -> Frame:
    """Frames laid over each other by their shares, which add up to 1."""
    (first, share), *rest = frames
    if not rest:
        return first
    ((other, remainder),) = rest
    planes = cv2.addWeighted(first.planes, share, other.planes, remainder, 0).reshape(-1)
    return Frame(first.width, first.height, planes)


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
        return _mixed([(first(index), 1 - share), (other, share)])

    return draw


def _reported(draw: Draw, count: int, report: Report) -> Iterator[Frame]:
    for index in range(count):
        report(index / count)
        yield draw(index)
    report(1.0)
