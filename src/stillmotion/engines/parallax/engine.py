"""The engine: job → scene → plan → camera → frames.

A clip of one picture starts at that picture, with one exception. Pulling and zooming out start closer and end on the
whole picture: a still holds nothing beyond its edges, and viewers take invented borders for a fault. If the first frame
has to be the picture all the same (an earlier clip's last frame, or another keyframe follows), the move outward is
shorter, over a soft mirrored continuation of the picture.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import cv2

from stillmotion.domain.failures import FailureKind
from stillmotion.domain.rendering import DepthMap, Frame, Picture, Rendering, RenderJob, Report, Wants, checkpoint
from stillmotion.engines.parallax.analysis.scene import Scene, analyse
from stillmotion.engines.parallax.camera.carryover import ending_of, opening_of
from stillmotion.engines.parallax.camera.staging import Stage
from stillmotion.engines.parallax.clip import Clip, Joint, Terms
from stillmotion.engines.parallax.defaults import settled
from stillmotion.engines.parallax.depth.source import DepthImage, DepthSource, Estimate
from stillmotion.engines.parallax.language.plan import Ignored, MotionPlan, Segment, spoken
from stillmotion.engines.parallax.language.reading import asked_plan
from stillmotion.engines.parallax.layers.gate import gated
from stillmotion.engines.parallax.motion.subject import MOTIONS
from stillmotion.engines.parallax.motion.waves import REGIONS, absent
from stillmotion.engines.parallax.transitions import Draw, Match, dissolved, match, morphed
from stillmotion.vision.faces import FaceFinder
from stillmotion.vision.persons import PersonFinder
from stillmotion.vision.resize import Pixels, as_array

FPS = 24
THREADS = 2
"""OpenCV's threads for one frame; the encoder has others."""
NO_DEPTH = "none"
"""Depth source in the plan of a drawing, which is moved as one plane."""
PASSING = 1.3
"""Strength of the zoom that carries a dissolve."""


class Parallax:
    """The embedded engine: a camera moved through one picture by its depth. Implements `Engine`.

    `depth` is the source of depth unless a job brings its own.
    """

    name = "parallax/1"
    wants = Wants()

    def __init__(self, depth: DepthSource | None = None) -> None:
        # A setting of the whole process: more threads wait for each other on machines with many cores.
        cv2.setNumThreads(THREADS)
        self._faces, self._people = FaceFinder(), PersonFinder()
        self._depth: DepthSource = depth or Estimate()

    def render(self, job: RenderJob, report: Report) -> Rendering:
        """Analyse the keyframes; frames are drawn as the iterator is consumed.

        With `frame0` the clip starts at that picture, with `frame1` it ends at that one, with both it goes from one to
        the other. Raises `GenerationFailed` (code `image_required`) if there is neither.
        """
        terms = Terms(job.size, max(1, round(job.seconds * FPS)), job.seconds, job.seed)
        report(0.0)
        if job.frame0 is not None and job.frame1 is not None:
            composed = self._between(job, job.frame0, job.frame1, terms)
        else:
            composed = self._from_one(job, job.frame0 or job.frame1, terms)
        checkpoint()
        return Rendering(
            size=job.size,
            fps=FPS,
            frame_count=terms.count,
            frames=_reported(composed.draw, terms.count, report),
            plan=composed.described(),
            telling_frame=terms.count - 1 if job.frame0 is None or composed.first.path.ends_on_whole else 0,
        )

    def _from_one(self, job: RenderJob, picture: Picture | None, terms: Terms) -> "_Composed":
        if picture is None:
            raise FailureKind.IMAGE_REQUIRED.error()
        scene = self._analysed(picture, job.depth)
        plan = _planned(job, scene)
        if job.frame0 is None:
            joint = Joint(opening_of(job.frame1_plan), arriving=True)
        else:
            joint = Joint(ending_of(job.frame0_plan), whole=bool(job.frame0_plan))
        clip = Clip(picture, scene, plan, terms, joint)
        return _Composed(plan, clip, clip, clip.draw, (scene,))

    def _between(self, job: RenderJob, start: Picture, end: Picture, terms: Terms) -> "_Composed":
        scenes = self._analysed(start, job.depth), self._analysed(end, None)
        plan = _planned(job, scenes[0])
        shots = []
        for picture, scene in zip((start, end), scenes, strict=True):
            shots.append(Stage.over(picture, job.size, scene))
            checkpoint()
        found = match(*(shot.canvas for shot in shots))
        checkpoint()
        between = _between(found)
        plan = (
            _without_moves(plan)
            if between is Between.MORPH
            else _zooming_through(plan)
            if between is Between.DISSOLVE
            else plan
        )
        # From a place to itself and back is a loop's path.
        looped = replace(plan, loop=between is Between.RETURN)
        first = Clip(start, scenes[0], looped, terms, Joint(ending_of(job.frame0_plan), whole=True))
        checkpoint()
        last = Clip(end, scenes[1], looped, terms, Joint(opening_of(job.frame1_plan), arriving=True))
        if found is not None and between is Between.MORPH:
            return _Composed(plan, first, last, morphed(first, last, found, terms.count), scenes, between)
        return _Composed(plan, first, last, dissolved(first, last, terms.count), scenes, between)

    def _analysed(self, picture: Picture, known: DepthMap | None) -> Scene:
        rgb = as_array(picture)
        scene = analyse(rgb, self._faces)
        checkpoint()
        if not scene.is_flat_art:
            scene = self._with_people(scene, rgb)
            checkpoint()
        source = self._depth if known is None else DepthImage(known)
        # A depth image for a drawing means that it is to be moved by that depth.
        if scene.is_flat_art and known is None:
            return scene
        depth = source.depth(rgb, scene)
        checkpoint()
        depth = gated(depth, rgb)
        checkpoint()
        return replace(scene, is_flat_art=False, depth=depth)

    def _with_people(self, scene: Scene, rgb: Pixels) -> Scene:
        """The scene with its people's mask; without a face, with a person far away as its point of interest."""
        if scene.faces:
            return replace(scene, people=self._people.mask(rgb))
        far = self._people.far(rgb)
        return scene if far is None else replace(scene, focus=far.centre)


class Between(StrEnum):
    """Transition from one keyframe to the other."""

    MORPH = "morph"
    DISSOLVE = "dissolve"
    RETURN = "there and back"


def _between(found: Match | None) -> Between:
    if found is None:
        return Between.DISSOLVE
    return Between.RETURN if found.is_same_place else Between.MORPH


@dataclass(frozen=True, slots=True)
class _Composed:
    """The frames of a rendering, the clips that it starts and ends with, and the transition between them."""

    plan: MotionPlan
    first: Clip
    last: Clip
    draw: Draw
    scenes: tuple[Scene, ...]
    between: Between | None = None

    def described(self) -> str:
        """The plan's JSON."""
        more: dict[str, Any] = {"between_keyframes": self.between} if self.between else {}
        for end, clip, scene in zip(("", "_at_end"), (self.first, self.last), self.scenes, strict=False):
            more[f"depth{end}"] = scene.depth.source if scene.depth else NO_DEPTH
            more[f"layers{end}"] = clip.layers
            if clip.mask is not None:
                more[f"mask{end}"] = round(clip.mask, 2)
            elif scene.depth is not None and scene.depth.gate is not None:
                more[f"gate{end}"] = round(scene.depth.gate, 2)
        return self.plan.as_json(
            opening=self.first.opening().as_object(), ending=self.last.ending().as_object(), **more
        )


def _planned(job: RenderJob, scene: Scene) -> MotionPlan:
    """The plan for a job, as far as the picture permits; `defaults` fills in what the prompt leaves open."""
    both = job.frame0 is not None and job.frame1 is not None
    plan = asked_plan(job.prompt, job.concepts, loop=job.loop, ends_elsewhere=both)
    # An extension without words goes on as the earlier clip ended.
    moves = ending_of(job.frame0_plan).moves or opening_of(job.frame1_plan).moves
    if not plan.segments and moves and moves != ("static",):
        plan = replace(plan, segments=(Segment(moves),))
    return possible(settled(plan, scene, job.size.width, job.size.height), scene)


def _without_moves(plan: MotionPlan) -> MotionPlan:
    """The plan without camera moves: the transition itself is the motion."""
    asked = () if plan.chosen else tuple(move for move in plan.camera_moves() if move != "static")
    why = tuple(Ignored(spoken(move), "the camera goes from the one picture to the other") for move in asked)
    return replace(plan, segments=(Segment(("static",)),), chosen=False, ignored=plan.ignored + why)


def _zooming_through(plan: MotionPlan) -> MotionPlan:
    """The plan with a zoom through the dissolve, if no move was asked for."""
    return replace(plan, segments=(Segment(("zoom_in",)),), camera_strength=PASSING) if plan.chosen else plan


def possible(plan: MotionPlan, scene: Scene) -> MotionPlan:
    """The plan without anything that the picture or this engine lacks, each noted as ignored with a reason."""
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
        return Ignored(spoken(key), "drawings and text are moved as a whole") if scene.is_flat_art else None
    return None


def _reported(draw: Draw, count: int, report: Report) -> Iterator[Frame]:
    for index in range(count):
        report(index / count)
        yield draw(index)
    report(1.0)
