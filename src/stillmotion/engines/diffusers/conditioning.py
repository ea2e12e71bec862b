"""Conditioning of a model for one job: key frames, prompt, size, and the frames of the result that are kept.

A model is conditioned on pictures at given frames. Abilities that it lacks are built from that. A loop ends on the
picture that it starts from, and drops that frame. An extension starts on the frames that the earlier clip ended with,
and drops them too. A zoom or a pan ends on a crop of the picture that it starts from.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from PIL import Image

from stillmotion.domain.catalogue import Ability, Entry
from stillmotion.domain.rendering import Picture, RenderJob
from stillmotion.domain.request import FrameSize
from stillmotion.engines.diffusers.prompts import PLAIN, with_camera

CLOSER = 0.72
"""Side of the crop that a zoom ends on, as a fraction of the picture's."""
ASIDE = 0.84
"""The same for a pan or a tilt, whose crop lies at the picture's edge."""

FORCED: Mapping[str, tuple[float, float, float]] = {
    "zoom_in": (CLOSER, 0.5, 0.5),
    "push_in": (CLOSER, 0.5, 0.5),
    "pan_left": (ASIDE, 0.0, 0.5),
    "pan_right": (ASIDE, 1.0, 0.5),
    "tilt_up": (ASIDE, 0.5, 0.0),
    "tilt_down": (ASIDE, 0.5, 1.0),
}
"""Moves that end on a crop: its side as a fraction, and its place, from 0 (left or top) to 1."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """Key frames: pictures of the clip's size, for consecutive frames from `index` on."""

    index: int
    pictures: tuple[Image.Image, ...]


@dataclass(frozen=True, slots=True)
class Conditioning:
    """A model's input for one clip. `without_first` and `without_last` count the frames to drop at either end.

    `notes` tell what was done in place of what was asked.
    """

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
    notes: tuple[str, ...] = ()

    @property
    def kept(self) -> range:
        """Indices of the frames that belong to the clip."""
        return range(self.without_first, self.frame_count - self.without_last)

    def at(self, index: int) -> Image.Image | None:
        """The key frame at the clip's first frame (0) or its last (-1), if there is one."""
        place = index % self.frame_count
        for anchor in self.anchors:
            if anchor.index <= place < anchor.index + len(anchor.pictures):
                return anchor.pictures[place - anchor.index]
        return None


def conditioning_of(job: RenderJob, entry: Entry, own_words: Mapping[str, str] = PLAIN) -> Conditioning:
    """The conditioning for a job whose pictures have the clip's size already."""
    frames = entry.frames.nearest(job.seconds * entry.fps)
    # The clip is asked longer by the frames that it repeats, so that its own length is right once they are dropped.
    overlap = len(job.before) + 1 if job.extends else 0
    if job.before:
        frames = entry.frames.nearest(frames + overlap)
    start = tuple(map(_image, (*job.before, *((job.frame0,) if job.frame0 else ()))))
    end, notes = _end(job, entry)
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
        notes=notes,
    )


def smallest(entry: Entry) -> Conditioning:
    """Conditioning of the smallest and shortest clip of a model in two steps, for warming up and trial runs."""
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
    # Two moves at once have no single crop to end on.
    if job.extends or len(forced) != 1 or not ends_anywhere(entry) or not entry.options.get("force_camera", True):
        return None, ()
    return _part(_image(job.frame0), *FORCED[forced[0]]), (f"{forced[0]}: ends with that part of the picture",)


def _closes(job: RenderJob, entry: Entry) -> bool:
    """True if a loop is made by ending on the first picture."""
    return job.loop and Ability.LOOP not in entry.abilities and job.frame0 is not None and job.frame1 is None


def ends_anywhere(entry: Entry) -> bool:
    """True if the model takes a last key frame."""
    return bool({Ability.LAST, Ability.ANY} & entry.abilities)


def _image(picture: Picture) -> Image.Image:
    return Image.frombytes("RGB", (picture.width, picture.height), bytes(picture.pixels))


def _part(image: Image.Image, part: float, across: float, down: float) -> Image.Image:
    width, height = image.width * part, image.height * part
    left, top = (image.width - width) * across, (image.height - height) * down
    box = left, top, left + width, top + height
    return image.resize(image.size, Image.Resampling.LANCZOS, box=box)
