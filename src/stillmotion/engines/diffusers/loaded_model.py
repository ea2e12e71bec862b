"""A loaded model: its pipelines on a device, used for one clip at a time."""

import inspect
import logging
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

import diffusers
import torch
from PIL import Image

from stillmotion.domain.catalogue import Entry
from stillmotion.domain.errors import EngineUnfit, GenerationFailed
from stillmotion.domain.failures import FailureKind
from stillmotion.domain.rendering import Show, checkpoint, unseen
from stillmotion.domain.request import FrameSize
from stillmotion.engines.diffusers import optimizations
from stillmotion.engines.diffusers.conditioning import Anchor, Conditioning, smallest
from stillmotion.engines.diffusers.decoding import finest, pieces
from stillmotion.engines.diffusers.encoding_cache import EncodingCache
from stillmotion.engines.diffusers.families import Family
from stillmotion.engines.diffusers.hooks import Latents, Step, StepHooks, denoised
from stillmotion.engines.diffusers.memory import (
    DevicePlacement,
    first_placement,
    is_out_of_memory,
    next_placement,
    place,
    release,
    room_on,
)
from stillmotion.engines.diffusers.preflight import loading_of
from stillmotion.engines.diffusers.previews import Colours, colours_of, expected
from stillmotion.engines.diffusers.progress import ClipProgress, StepTimes

SMALLER: Final = (0.85, 0.7, 0.6, 0.5, 0.42, 0.35, 0.28, 0.22, 0.16, 0.1)
"""Fractions of the area that are tried if a clip does not fit."""
PROBE_STEPS: Final = 2
"""Steps of a trial: a network has reached its peak memory after two."""

log = logging.getLogger(__name__)


class LoadedModel:
    """One model on one device. It renders one clip at a time."""

    def __init__(self, entry: Entry, device: torch.device, pipeline: Any, family: Family) -> None:
        self.entry, self.device, self.family = entry, device, family
        self.step_times = StepTimes()
        self.placement = DevicePlacement.DEVICE
        self._pipelines: dict[str, Any] = {}
        self._caches: dict[str, EncodingCache] = {}
        self._hooks = StepHooks()
        self._fineness: dict[FrameSize, int] = {}
        self._colours: Colours | None = None
        self.main = self._adopt(pipeline)

    @property
    def hits(self) -> int:
        """Number of encoder runs saved by the cache."""
        return sum(each.hits for each in self._caches.values())

    def check(self) -> None:
        """Raise `EngineUnfit` for an option that the model does not take."""
        shot = smallest(self.entry)
        pipeline = self._pipeline_for(shot)
        optimizations.pipeline_options(self.entry, pipeline, self.family.arguments(pipeline, shot))

    def settle(self, placement: DevicePlacement) -> None:
        """Place the weights on the device, or some of them in main memory."""
        place(self.main, placement, self.device)
        self.placement = placement

    def learn_colours(self) -> None:
        """Fit the colour map for previews of latents."""
        self._colours = colours_of(self.main, self.device)

    def size(self, asked: FrameSize) -> FrameSize:
        """The size that the model makes of one that its entry allows."""
        return self.family.size(self.main, asked)

    def denoise(self, shot: Conditioning, course: ClipProgress, show: Show = unseen) -> Latents:
        """Run all but the decoder; `show` is offered a preview at each step.

        If memory runs out, weights are moved off the device and the clip is begun again, with the same result. Raises
        `GenerationFailed` (code `out_of_memory`, naming a size that fits) if nothing is left to move, and what `course`
        raises; the next clip is not affected by either.
        """
        while True:
            try:
                return self._run(shot, course, show)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
            if not self._make_room():
                raise self._too_large(shot, course)

    def decode(self, latents: Latents, shot: Conditioning, course: ClipProgress) -> Iterator[torch.Tensor]:
        """Decoded frames in order, in pieces of 3 × frames × height × width, −1 to 1.

        If memory runs out, the missing frames are decoded again in smaller pieces. Raises as `denoise` does.
        """
        given = 0
        while True:
            fineness = self._fineness.get(shot.size, 0)
            try:
                count = 0
                for piece in self._pieces(latents, fineness):
                    left, count = given - count, count + piece.shape[1]
                    if count > given:
                        given = count
                        # After a retry, frames that were handed on already are skipped.
                        yield piece[:, max(0, left) :]
                    checkpoint()
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
            else:
                return
            release(self.device)
            if fineness < finest(self.main.vae):
                self._fineness[shot.size] = fineness + 1
                log.warning("decoding %s again in smaller pieces", self.entry.name)
            elif not self._make_room():
                raise self._too_large(shot, course)

    def _pieces(self, latents: Latents, fineness: int) -> Iterator[torch.Tensor]:
        # `no_grad` around each piece: a generator's body runs in the context of whoever takes the next item.
        made = pieces(self.main.vae, latents, fineness)
        while True:
            with torch.no_grad():
                piece = next(made, None)
            if piece is None:
                return
            yield piece

    def _run(self, shot: Conditioning, course: ClipProgress, show: Show = unseen) -> Latents:
        pipeline = self._pipeline_for(shot)
        cache = self._caches[type(pipeline).__name__]
        cache.begin_clip(self._subject(shot))
        asked = self.family.arguments(pipeline, shot)
        asked |= optimizations.pipeline_options(self.entry, pipeline, asked)
        colours = self._colours

        def in_step(step: Step) -> None:
            if colours is not None:
                show(lambda: colours.picture(self.family.unpack(pipeline, shot, expected(step))))

        course.begin()
        with self._hooks.reporting(course.before_block, course.after_step, in_step):
            # Noise is drawn on the CPU so that a seed gives the same clip on every device.
            return denoised(pipeline, generator=torch.Generator("cpu").manual_seed(shot.seed), **asked)

    def _subject(self, shot: Conditioning) -> tuple[Any, ...] | None:
        """Cache key of the encoded pictures: all that they depend on."""
        if not shot.anchors:
            return None
        digests = tuple((each.index, tuple(map(_digest, each.pictures))) for each in shot.anchors)
        chance = shot.seed if self.family.draws_on_picture else None
        return digests, shot.size, shot.frame_count, chance

    def _make_room(self) -> bool:
        """Move weights off the device; False if nothing is left to move."""
        for each in self._caches.values():
            each.forget()
        release(self.device)
        placement = next_placement(self.placement, self.device)
        if placement is None:
            return False
        log.warning("%s does not fit: its weights go to %s", self.entry.name, placement)
        self.settle(placement)
        return True

    def _too_large(self, shot: Conditioning, course: ClipProgress) -> GenerationFailed:
        fits = self._largest_that_fits(shot, course)
        if fits is None:
            return FailureKind.EVERY_SIZE_OUT_OF_MEMORY.error()
        return FailureKind.SIZE_OUT_OF_MEMORY.error(width=fits.width, height=fits.height)

    def _largest_that_fits(self, shot: Conditioning, course: ClipProgress) -> FrameSize | None:
        """The largest size that fits, found by a few steps at smaller sizes of the same length and shape."""
        area, ratio = shot.size.width * shot.size.height, shot.size.width / shot.size.height
        tried = {shot.size}
        for part in SMALLER:
            height = (area * part / ratio) ** 0.5
            size = self.entry.sizes.nearest(FrameSize(max(2, round(height * ratio)), max(2, round(height))))
            if size in tried or size.width * size.height >= area:
                continue
            tried.add(size)
            if self._fits(_resized(shot, size), course):
                return size
        return None

    def _fits(self, shot: Conditioning, course: ClipProgress) -> bool:
        try:
            # Both phases are tried, since decoding often needs more memory than denoising.
            latents = self._run(replace(shot, steps=min(shot.steps, PROBE_STEPS)), course)
            next(self._pieces(latents, self._fineness.get(shot.size, 0)))
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        else:
            return True
        release(self.device)
        return False

    def _pipeline_for(self, shot: Conditioning) -> Any:
        """The pipeline for pictures or for text alone; both share one set of weights."""
        name = self.family.picture if shot.anchors else self.family.text
        if name in {"", type(self.main).__name__}:
            return self.main
        if name not in self._pipelines:
            kind = getattr(diffusers, name)
            takes = inspect.signature(kind.__init__).parameters
            parts = {part: each for part, each in self.main.components.items() if part in takes}
            # Settings of the pipeline itself (numbers, flags), which are no components.
            set_up = {part: each for part, each in self.main.config.items() if part in takes and part not in parts}
            self._adopt(kind(**parts, **{part: each for part, each in set_up.items() if not part.startswith("_")}))
        return self._pipelines[name]

    def _adopt(self, pipeline: Any) -> Any:
        device = self.device
        kind = type(pipeline)
        # `_execution_device` must name the device even while all weights are in main memory.
        pipeline.__class__ = type(kind.__name__, (kind,), {"_execution_device": property(lambda _: device)})
        self._hooks.watch(pipeline)
        self._caches[kind.__name__] = EncodingCache(pipeline)
        self._pipelines[kind.__name__] = pipeline
        return pipeline


def _digest(picture: Image.Image) -> bytes:
    return sha256(picture.tobytes()).digest()


def _resized(shot: Conditioning, size: FrameSize) -> Conditioning:
    anchors = [
        Anchor(each.index, tuple(picture.resize((size.width, size.height)) for picture in each.pictures))
        for each in shot.anchors
    ]
    return replace(shot, size=size, anchors=tuple(anchors))


def load(entry: Entry, device: torch.device) -> LoadedModel:
    """Load a model from its folder, apply its options and place it on the device. Raises `EngineUnfit`."""
    # `asked` tells options that the operator set from defaults.
    asked, entry = entry, optimizations.with_gpu_defaults(entry, device)
    how = loading_of(entry)
    try:
        pipeline = how.pipeline.from_pretrained(how.folder, dtype=dict(how.dtypes), local_files_only=True)
    except (OSError, ValueError, TypeError, RuntimeError, KeyError, AttributeError, ImportError) as error:
        name = how.pipeline.__name__
        raise EngineUnfit(f"The weights of {entry.name} in {how.folder} cannot be loaded as {name}: {error}") from error
    pipeline.set_progress_bar_config(disable=True)
    placement = how.placement or first_placement(pipeline, room_on(device))
    if placement not in {DevicePlacement.DEVICE, DevicePlacement.ENCODERS_OFF} and "compile" not in asked.options:
        # Offloading hooks break a compiled graph apart within a block.
        entry = replace(entry, options={name: value for name, value in entry.options.items() if name != "compile"})
    optimizations.apply(pipeline, entry)
    resident = LoadedModel(entry, device, pipeline, how.family)
    resident.check()
    resident.settle(placement)
    if entry.options.get("preview", True):
        resident.learn_colours()
    return resident
