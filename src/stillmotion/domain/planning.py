"""Plan of a clip: the size, length and substitutes that a model has for a request, from the catalogue alone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from stillmotion.domain.catalogue import Ability, Catalogue, Dialect, EngineKind, Entry
from stillmotion.domain.errors import Field, InvalidRequest, Problem
from stillmotion.domain.generation import Generation
from stillmotion.domain.request import MAX_SECONDS, MIN_SECONDS, FrameSize, GenerationRequest, frame_size

WIDE = FrameSize(16, 9)
"""Placeholder for the picture's shape until it is known."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The clip that a model would make. With any `refused` nothing is made.

    `size` assumes the picture's shape that was given. `emulated` and `adjusted` are sentences: abilities that the model
    lacks and the substitute for each, and differences from the request by the model's rules.
    """

    size: FrameSize
    frame_count: int
    fps: int
    emulated: tuple[str, ...] = ()
    adjusted: tuple[str, ...] = ()
    refused: tuple[Problem, ...] = ()

    @property
    def seconds(self) -> float:
        """The clip's length."""
        return self.frame_count / self.fps


def plan(entry: Entry, request: GenerationRequest, picture: FrameSize = WIDE) -> Plan:
    """Plan of the nearest legal size and frame count, with everything emulated, adjusted or refused.

    `picture` is the first picture's size, for a request that keeps its shape.
    """
    size = entry.sizes.nearest(frame_size(request.resolution, request.aspect_ratio, picture))
    frame_count = entry.frames.nearest(request.seconds * entry.fps)
    refused = refusals(entry, request)
    return Plan(
        size,
        frame_count,
        entry.fps,
        emulated=() if refused else tuple(_emulated(entry, request)),
        adjusted=() if refused else tuple(_adjusted(entry, request, frame_count)),
        refused=refused,
    )


def refusals(entry: Entry, request: GenerationRequest) -> tuple[Problem, ...]:
    """Reasons why the model cannot make the clip; empty if it can."""
    return (
        *_refused_pictures(entry, request),
        *_refused_loop(entry, request),
        *_refused_prompt(entry, request),
        *_refused_frames(entry, request),
    )


def first_able(route: Sequence[Entry], request: GenerationRequest) -> Entry:
    """The first entry that can make the clip. Raises `InvalidRequest` with the first entry's reasons."""
    for entry in route:
        if not refusals(entry, request):
            return entry
    raise InvalidRequest(*refusals(route[0], request))


def successor(catalogue: Catalogue, generation: Generation) -> str | None:
    """The next engine of the model's route, after the generation's own, that can make it; None without one."""
    if generation.request.model not in catalogue.aliases:
        return None
    route = catalogue.route(generation.request.model)
    names = [entry.engine_name for entry in route]
    behind = route[names.index(generation.engine) + 1 :] if generation.engine in names else route
    able = (entry.engine_name for entry in behind if not refusals(entry, generation.request))
    return next(able, None)


def _refused_pictures(entry: Entry, request: GenerationRequest) -> list[Problem]:
    has, first, last = entry.abilities, request.frame0 is not None, request.frame1 is not None
    if Ability.ANY in has:
        return [] if first or last else _refused_text(entry)
    if first and last:
        return [] if Ability.LAST in has else [_cannot_end(entry)]
    if last:
        return [_needs_start(entry) if Ability.LAST in has else _cannot_end(entry)]
    if not first:
        return _refused_text(entry)
    if Ability.FIRST in has or (request.loop and Ability.LAST in has):
        return []
    if request.extends and Ability.EXTEND in has:
        return []
    if Ability.LAST in has:
        return [Problem(Field.FRAME1, f"is needed: {entry.name} goes from a first picture to a last one")]
    return [Problem(Field.FRAME0, f"cannot be used: {entry.name} makes videos of words alone")]


def _refused_text(entry: Entry) -> list[Problem]:
    if Ability.TEXT in entry.abilities:
        return []
    return [Problem(Field.FRAME0, f"is needed: {entry.name} makes no video without a picture to start from")]


def _cannot_end(entry: Entry) -> Problem:
    return Problem(Field.FRAME1, f"cannot be used: {entry.name} does not end with a given picture; leave it out")


def _needs_start(entry: Entry) -> Problem:
    return Problem(Field.FRAME0, f"is needed: {entry.name} ends with a picture only where it starts from one too")


def _refused_loop(entry: Entry, request: GenerationRequest) -> list[Problem]:
    if not request.loop or Ability.LOOP in entry.abilities:
        return []
    if entry.is_outside or not _ends_anywhere(entry):
        return [Problem(Field.LOOP, f"cannot be had: {entry.name} does not end where it began; leave it out")]
    if request.frame0 is None or request.frame1 is not None or request.extends:
        return [Problem(Field.LOOP, f"needs one picture, to start and to end with, on {entry.name}: leave it out")]
    return []


def _refused_prompt(entry: Entry, request: GenerationRequest) -> list[Problem]:
    needs_one = entry.server is not None and entry.server.speaks is Dialect.OPENAI
    problems = []
    if needs_one and not (request.prompt or request.concepts):
        problems.append(
            Problem(Field.PROMPT, f"is needed: {entry.name} takes no picture without words; say what should happen")
        )
    if request.negative_prompt and not takes_negative(entry):
        problems.append(
            Problem(
                Field.NEGATIVE_PROMPT,
                f"says what a diffusion model should keep away from, and {entry.name} has no use for it: leave it out, "
                "or ask for a model that diffuses with guidance",
            )
        )
    return problems


def takes_negative(entry: Entry) -> bool:
    """True for a model that keeps away from what a negative prompt names."""
    if entry.server is not None:
        return entry.server.speaks is Dialect.OPENAI and not entry.options.get("plain", False)
    return entry.is_local and entry.takes_prompt and entry.guidance > 1


def _refused_frames(entry: Entry, request: GenerationRequest) -> list[Problem]:
    problems = []
    if request.fps not in (None, entry.fps):
        problems.append(
            Problem(
                Field.FPS,
                f"says how many frames a second has, and {entry.name} makes {entry.fps}: leave it out, or say so many",
            )
        )
    if request.frame_count is not None:
        least, most = math.ceil(MIN_SECONDS * entry.fps), math.floor(MAX_SECONDS * entry.fps)
        if not least <= request.frame_count <= most:
            problems.append(
                Problem(
                    Field.FRAME_COUNT,
                    f"must be from {least} to {most}: {entry.name} makes {entry.fps} frames a second",
                )
            )
    return problems


def length(entry: Entry, request: GenerationRequest) -> float:
    """Seconds of the clip that the model will make: as many as are asked for, or as many as it can make.

    A request that is planned before it is checked may ask for any number: none is below 0.
    """
    seconds = max(0.0, request.seconds) if request.frame_count is None else request.frame_count / entry.fps
    return seconds if seconds <= entry.longest_seconds else round(entry.longest_seconds, 3)


def _ends_anywhere(entry: Entry) -> bool:
    return bool({Ability.LAST, Ability.ANY} & entry.abilities)


def _emulated(entry: Entry, request: GenerationRequest) -> list[str]:
    said = []
    if request.extends and Ability.EXTEND not in entry.abilities:
        dropped = "" if entry.is_outside else ", which is dropped"
        said.append(f"extend: starts from the earlier clip's last frame{dropped}; its motion is not carried on")
    if request.loop and Ability.LOOP not in entry.abilities:
        said.append("loop: ends with the picture it starts from, which is dropped")
    if request.concepts and entry.takes_prompt and not has_concepts(entry):
        said.append("concepts: said in the prompt as words")
    return said


def takes_seed(entry: Entry) -> bool:
    """True for a model that draws the same clip from the same seed."""
    is_dream_machine = entry.server is not None and entry.server.speaks is Dialect.DREAM_MACHINE
    return not is_dream_machine or bool(entry.options.get("seed", False))


def has_concepts(entry: Entry) -> bool:
    """True for a model that takes camera concepts by their keys; others are told them in words."""
    if entry.engine == EngineKind.PARALLAX or entry.is_outside:
        return True
    return entry.server is not None and entry.server.speaks is Dialect.DREAM_MACHINE


def _adjusted(entry: Entry, request: GenerationRequest, frame_count: int) -> list[str]:
    said = []
    seconds = frame_count / entry.fps
    if abs(seconds - request.seconds) > 1 / entry.fps:
        said.append(f"duration: {seconds:.3g} s, the nearest that {entry.name} makes to {request.seconds:g} s")
    if request.aspect_ratio is not None:
        asked = frame_size(request.resolution, request.aspect_ratio, WIDE)
        made = entry.sizes.nearest(asked)
        if made != asked:
            said.append(f"size: {made.width}×{made.height}, the nearest that {entry.name} makes")
    if request.seed is not None and not takes_seed(entry):
        said.append(f"seed: not passed on, {entry.name} takes none")
    if request.codec is not None and entry.server is not None:
        said.append(f"codec: a clip that comes in another is compressed anew as {request.codec}, without its sound")
    if not entry.takes_prompt and (request.prompt or request.concepts):
        said.append(f"prompt: not used, {entry.name} takes no words")
    return said
