"""The engine: job → scene → plan → camera → frames.

A clip of one picture starts at that picture, with one exception: pulling and zooming out start closer and end on the
whole picture, because one still holds nothing beyond its edges, and a viewer takes invented borders for a fault. Where
the first frame has to be the picture all the same (it is an earlier clip's last frame, or another keyframe follows),
the move goes outward less far, over a soft mirrored continuation of the picture.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

import cv2

from stillmotion.domain.failures import FailureKind
from stillmotion.domain.rendering import DepthMap, Frame, Picture, Rendering, RenderJob, Report, Wants, checkpoint
from stillmotion.engines.parallax.analysis.scene import Depth, Scene, analyse
from stillmotion.engines.parallax.camera.carryover import ending_of, opening_of
from stillmotion.engines.parallax.camera.staging import Stage
from stillmotion.engines.parallax.clip import Film, Joint, Terms
from stillmotion.engines.parallax.defaults import settled
from stillmotion.engines.parallax.depth.source import DepthImage, DepthSource, Estimate
from stillmotion.engines.parallax.language.parser import read
from stillmotion.engines.parallax.language.plan import Ignored, MotionPlan, Segment
from stillmotion.engines.parallax.motion.subject import MOTIONS
from stillmotion.engines.parallax.motion.waves import REGIONS, absent
from stillmotion.engines.parallax.transitions import Draw, Match, dissolved, match, morphed
from stillmotion.vision.faces import FaceFinder
from stillmotion.vision.resize import as_array

FPS = 24
THREADS = 2
"""OpenCV's own threads for one frame; the encoder has others."""
NO_DEPTH = "none"
"""What the plan says of a drawing, which is moved as one plane."""
PASSING = 1.3
"""How far a zoom goes that carries a dissolve."""


class Parallax:
    """The embedded engine: a camera moved through one picture by its depth. Implements `Engine`.

    `depth` is where that comes from unless a job brings its own.
    """

    name = "parallax/1"
    wants = Wants()

    def __init__(self, depth: DepthSource | None = None) -> None:
        # For the whole process: with more, on machines with many cores, they wait for each other.
        cv2.setNumThreads(THREADS)
        self._faces = FaceFinder()
        self._depth: DepthSource = depth or Estimate()

    def render(self, job: RenderJob, report: Report) -> Rendering:
        """Analyse the keyframes; frames are drawn as they are taken.

        With `frame0` the clip starts at that picture, with `frame1` it ends at that one, with both it goes from
        one to the other. Raises `GenerationFailed` (code `image_required`) where there is neither.
        """
        terms = Terms(job.size, max(1, round(job.seconds * FPS)), job.seconds, job.seed)
        report(0.0)
        if job.frame0 is not None and job.frame1 is not None:
            clip = self._between(job, job.frame0, job.frame1, terms)
        else:
            clip = self._from_one(job, job.frame0 or job.frame1, terms)
        checkpoint()
        return Rendering(
            size=job.size,
            fps=FPS,
            frame_count=terms.count,
            frames=_reported(clip.draw, terms.count, report),
            plan=clip.described(),
            telling_frame=terms.count - 1 if job.frame0 is None or clip.first.path.ends_on_whole else 0,
        )

    def _from_one(self, job: RenderJob, picture: Picture | None, terms: Terms) -> "_Clip":
        if picture is None:
            raise FailureKind.IMAGE_REQUIRED.error()
        scene = self._looked_at(picture, job.depth)
        plan = _planned(job, scene)
        if job.frame0 is None:
            joint = Joint(opening_of(job.frame1_plan), arriving=True)
        else:
            joint = Joint(ending_of(job.frame0_plan), whole=bool(job.frame0_plan))
        film = Film(picture, scene, plan, terms, joint)
        return _Clip(plan, film, film, film.draw, (scene,))

    def _between(self, job: RenderJob, start: Picture, end: Picture, terms: Terms) -> "_Clip":
        scenes = self._looked_at(start, job.depth), self._looked_at(end, None)
        plan = _planned(job, scenes[0])
        shots = []
        for picture, scene in zip((start, end), scenes, strict=True):
            shots.append(Stage.over(picture, job.size, scene))
            checkpoint()
        found = match(*(shot.canvas for shot in shots))
        checkpoint()
        between = _between(found)
        plan = _standing(plan) if between is Between.MORPH else _passing(plan) if between is Between.DISSOLVE else plan
        # There and back from the same place to itself is a loop's way.
        filmed = replace(plan, loop=between is Between.RETURN)
        first = Film(start, scenes[0], filmed, terms, Joint(ending_of(job.frame0_plan), whole=True))
        checkpoint()
        last = Film(end, scenes[1], filmed, terms, Joint(opening_of(job.frame1_plan), arriving=True))
        if found is not None and between is Between.MORPH:
            return _Clip(plan, first, last, morphed(first, last, found, terms.count), scenes, between)
        return _Clip(plan, first, last, dissolved(first, last, terms.count), scenes, between)

    def _looked_at(self, picture: Picture, known: DepthMap | None) -> Scene:
        rgb = as_array(picture)
        scene = analyse(rgb, self._faces)
        checkpoint()
        source = self._depth if known is None else DepthImage(known)
        # Who gives the depth of a drawing wants it moved by that.
        if scene.is_flat_art and known is None:
            return scene
        depth = Depth(source.nearness(rgb, scene), source.name)
        checkpoint()
        return replace(scene, is_flat_art=False, depth=depth)


class Between(StrEnum):
    """How a clip gets from one keyframe to the other."""

    MORPH = "morph"
    DISSOLVE = "dissolve"
    RETURN = "there and back"


def _between(found: Match | None) -> Between:
    if found is None:
        return Between.DISSOLVE
    return Between.RETURN if found.is_same_place else Between.MORPH


@dataclass(frozen=True, slots=True)
class _Clip:
    """What is drawn, the films it starts and ends with, and how it gets from one to the other."""

    plan: MotionPlan
    first: Film
    last: Film
    draw: Draw
    scenes: tuple[Scene, ...]
    between: Between | None = None

    def described(self) -> str:
        """The plan's JSON."""
        more: dict[str, str] = {"between_keyframes": self.between} if self.between else {}
        sources = [scene.depth.source if scene.depth else NO_DEPTH for scene in self.scenes]
        more |= dict(zip(("depth", "depth_at_end"), sources, strict=False))
        return self.plan.as_json(
            opening=self.first.opening().as_object(), ending=self.last.ending().as_object(), **more
        )


def _planned(job: RenderJob, scene: Scene) -> MotionPlan:
    """What the words ask for, as far as the picture has it; where they say nothing of the camera, see `choice`."""
    plan = read(job.prompt, job.concepts, loop=job.loop)
    if plan.loop and job.frame0 is not None and job.frame1 is not None:
        plan = replace(plan, loop=False, ignored=(*plan.ignored, Ignored("loop", "the clip ends at another picture")))
    moves = ending_of(job.frame0_plan).moves or opening_of(job.frame1_plan).moves
    if not plan.segments and moves and moves != ("static",):
        plan = replace(plan, segments=(Segment(moves),))
    return possible(settled(plan, scene, job.size.width, job.size.height), scene)


def _standing(plan: MotionPlan) -> MotionPlan:
    """The plan less the camera's moves: what lies between the two pictures moves it."""
    asked = () if plan.chosen else tuple(move for move in plan.camera_moves() if move != "static")
    why = tuple(Ignored(move, "the camera goes from the one picture to the other") for move in asked)
    return replace(plan, segments=(Segment(("static",)),), chosen=False, ignored=plan.ignored + why)


def _passing(plan: MotionPlan) -> MotionPlan:
    """Where nothing was asked, on from the one picture into the other, far enough to carry the dissolve."""
    return replace(plan, segments=(Segment(("zoom_in",)),), camera_strength=PASSING) if plan.chosen else plan


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
    if key in MOTIONS:
        return Ignored(key, "drawings and text are moved as a whole") if scene.is_flat_art else None
    return None


def _reported(draw: Draw, count: int, report: Report) -> Iterator[Frame]:
    for index in range(count):
        report(index / count)
        yield draw(index)
    report(1.0)
