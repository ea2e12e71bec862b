"""From a job to a shot: which pictures a model is held to, where, in which words, and what of the result is kept.

A model is held to pictures at places of the clip. What it cannot do by itself is made of that: a loop ends with the
picture it starts from, which is then dropped; a clip that carries another on starts with what that one ended with,
which is dropped too; a zoom or a pan ends with a part of the picture that it starts from.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from PIL import Image

from stillmotion.domain.catalogue import Ability, Entry
from stillmotion.domain.rendering import Picture, RenderJob
from stillmotion.domain.request import FrameSize
from stillmotion.engines.diffusers.prompts import PLAIN, with_camera

CLOSER = 0.72
"""How much of a picture's side is left of it at the end of a zoom."""
ASIDE = 0.84
"""The same for a pan or a tilt, whose end lies at the picture's edge."""

FORCED: Mapping[str, tuple[float, float, float]] = {
    "zoom_in": (CLOSER, 0.5, 0.5),
    "push_in": (CLOSER, 0.5, 0.5),
    "pan_left": (ASIDE, 0.0, 0.5),
    "pan_right": (ASIDE, 1.0, 0.5),
    "tilt_up": (ASIDE, 0.5, 0.0),
    "tilt_down": (ASIDE, 0.5, 1.0),
}
"""Moves that end at a part of the picture: how large a part, and where it lies, from 0 at the left or top to 1."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """Pictures that the clip is held to from the frame `index` on; all of the clip's size."""

    index: int
    pictures: tuple[Image.Image, ...]


@dataclass(frozen=True, slots=True)
class Conditioning:
    """What a model is asked for. `without_first` and `without_last` count the frames that are dropped at either end."""

    prompt: str
    size: FrameSize
    frame_count: int
    fps: int
    steps: int
    guidance: float
    seed: int
    anchors: tuple[Anchor, ...] = ()
    without_first: int = 0
    without_last: int = 0
    options: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    said: tuple[str, ...] = ()

    @property
    def kept(self) -> range:
        """The frames that belong to the clip."""
        return range(self.without_first, self.frame_count - self.without_last)

    def at(self, index: int) -> Image.Image | None:
        """The picture at the clip's first frame (0) or its last (-1), where it is held to one there."""
        place = index % self.frame_count
        for anchor in self.anchors:
            if anchor.index <= place < anchor.index + len(anchor.pictures):
                return anchor.pictures[place - anchor.index]
        return None


def shot_of(job: RenderJob, entry: Entry, own_words: Mapping[str, str] = PLAIN) -> Conditioning:
    """What to ask the entry's model for; the job's pictures have the clip's size already.

    `said` are sentences about what was done in place of what was asked.
    """
    frames = entry.frames.nearest(job.seconds * entry.fps)
    overlap = len(job.before) + 1 if job.extends else 0
    if job.before:
        frames = entry.frames.nearest(frames + overlap)
    start = tuple(map(_image, (*job.before, *((job.frame0,) if job.frame0 else ()))))
    end, said = _end(job, entry)
    anchors = [Anchor(0, start)] if start else []
    if end is not None:
        anchors.append(Anchor(frames - 1, (end,)))
    return Conditioning(
        prompt=with_camera(job.prompt, job.concepts, own_words) if entry.takes_prompt else "",
        size=job.size,
        frame_count=frames,
        fps=entry.fps,
        steps=entry.steps,
        guidance=entry.guidance,
        seed=job.seed,
        anchors=tuple(anchors),
        without_first=overlap,
        without_last=1 if _closes(job, entry) else 0,
        options={**entry.options, "negative_prompt": job.negative_prompt} if job.negative_prompt else entry.options,
        said=said,
    )


def smallest(entry: Entry) -> Conditioning:
    """The smallest and shortest clip of a model, in as few steps as set it going: for warming up and trying out."""
    size = entry.sizes.nearest(FrameSize(2, 2))
    frames = entry.frames.nearest(0)
    grey = Image.new("RGB", (size.width, size.height), (128, 128, 128))
    abilities = entry.abilities
    anchors = [Anchor(0, (grey,))] if {Ability.FIRST, Ability.LAST, Ability.ANY} & abilities else []
    if Ability.LAST in abilities and Ability.FIRST not in abilities:
        anchors.append(Anchor(frames - 1, (grey,)))
    steps = min(entry.steps, 2)
    return Conditioning("", size, frames, entry.fps, steps, entry.guidance, 0, tuple(anchors), options=entry.options)


def _end(job: RenderJob, entry: Entry) -> tuple[Image.Image | None, tuple[str, ...]]:
    if job.frame1 is not None:
        return _image(job.frame1), ()
    if job.frame0 is None:
        return None, ()
    if _closes(job, entry):
        return _image(job.frame0), ()
    forced = [each for each in job.concepts if each in FORCED]
    if job.extends or len(forced) != 1 or not ends_anywhere(entry) or not entry.options.get("force_camera", True):
        return None, ()
    return _part(_image(job.frame0), *FORCED[forced[0]]), (f"{forced[0]}: ends with that part of the picture",)


def _closes(job: RenderJob, entry: Entry) -> bool:
    """Whether a loop is made by ending where the clip began."""
    return job.loop and Ability.LOOP not in entry.abilities and job.frame0 is not None and job.frame1 is None


def ends_anywhere(entry: Entry) -> bool:
    """Whether the model can be held to a last picture."""
    return bool({Ability.LAST, Ability.ANY} & entry.abilities)


def _image(picture: Picture) -> Image.Image:
    return Image.frombytes("RGB", (picture.width, picture.height), bytes(picture.pixels))


def _part(image: Image.Image, part: float, across: float, down: float) -> Image.Image:
    width, height = image.width * part, image.height * part
    left, top = (image.width - width) * across, (image.height - height) * down
    box = left, top, left + width, top + height
    return image.resize(image.size, Image.Resampling.LANCZOS, box=box)
