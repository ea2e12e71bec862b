"""The engine: job → scene → plan → camera → frames.

A clip of one picture starts at that picture, with one exception: pulling and zooming out start closer and end on the
whole picture, because one still holds nothing beyond its edges, and a viewer takes invented borders for a fault. Where
the first frame has to be the picture all the same (it is an earlier clip's last frame, or another keyframe follows),
the move goes outward less far, over a soft mirrored continuation of the picture.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import cv2

from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.rendering import Frame, Picture, Rendering, RenderJob, Report
from stillmotion.engines.parallax.ambient import REGIONS, absent
from stillmotion.engines.parallax.camera import ease, times
from stillmotion.engines.parallax.canvas import as_array
from stillmotion.engines.parallax.choice import settled
from stillmotion.engines.parallax.film import Film, Joint, Terms, mixed
from stillmotion.engines.parallax.momentum import Momentum, ending_of, opening_of
from stillmotion.engines.parallax.plan import Ignored, MotionPlan, Segment
from stillmotion.engines.parallax.prompt import read
from stillmotion.engines.parallax.scene import FaceFinder, Scene, analyse
from stillmotion.engines.parallax.subject import MOTIONS
from stillmotion.engines.parallax.weather import FLICKERS, WEATHER, unlit

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
        terms = Terms(job.size, max(1, round(job.seconds * FPS)), job.seconds, job.seed)
        scene = self._looked_at(opening, report)
        before, after = ending_of(job.frame0_plan), opening_of(job.frame1_plan)
        plan = possible(settled(_continued(_asked(job), before, after), scene, job.size.width, job.size.height), scene)
        if job.frame0 is None:
            film = last = Film(opening, scene, plan, terms, Joint(after, arriving=True))
            draw: Draw = film.draw
        else:
            whole = bool(job.frame0_plan) or job.frame1 is not None
            film = last = Film(opening, scene, plan, terms, Joint(before, whole=whole))
            draw = film.draw
            report(0.0)
            if job.frame1 is not None:
                ending = self._looked_at(job.frame1, report)
                last = Film(job.frame1, ending, plan, terms, Joint(after, arriving=True))
                draw = _dissolved(film.draw, last.draw, terms.count)
        report(0.0)
        ends = {"opening": film.opening().as_object(), "ending": last.ending().as_object()}
        return Rendering(
            size=job.size,
            fps=FPS,
            frame_count=terms.count,
            frames=_reported(draw, terms.count, report),
            plan=plan.as_json(**ends),
            telling_frame=terms.count - 1 if film.path.ends_on_whole or job.frame0 is None else 0,
        )

    def _looked_at(self, picture: Picture, report: Report) -> Scene:
        scene = analyse(as_array(picture), self._faces)
        report(0.0)
        return scene


def _asked(job: RenderJob) -> MotionPlan:
    """What the words ask for. Between two keyframes there is no loop: it would have to come back to the first."""
    between = job.frame0 is not None and job.frame1 is not None
    plan = read(job.prompt, job.concepts, loop=job.loop)
    if not (plan.loop and between):
        return plan
    return replace(plan, loop=False, ignored=(*plan.ignored, Ignored("loop", "the clip ends at another picture")))


def _continued(plan: MotionPlan, before: Momentum, after: Momentum) -> MotionPlan:
    """The moves of the clip that is continued, or led into, where the words ask for none."""
    moves = before.moves or after.moves
    if plan.segments or not moves or moves == ("static",):
        return plan
    return replace(plan, segments=(Segment(moves),))


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
        return mixed([(first(index), 1 - share), (other, share)])

    return draw


def _reported(draw: Draw, count: int, report: Report) -> Iterator[Frame]:
    for index in range(count):
        report(index / count)
        yield draw(index)
    report(1.0)
