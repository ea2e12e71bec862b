"""Engine over diffusers: job → conditioning → latents → frames."""

import json
import time
from collections.abc import Iterator

from stillmotion.domain.catalogue import Ability, Entry
from stillmotion.domain.errors import EngineUnfit, GenerationFailed
from stillmotion.domain.failures import FailureKind
from stillmotion.domain.rendering import Frame, Rendering, RenderJob, Report, Wants
from stillmotion.domain.request import FrameSize
from stillmotion.engines.diffusers.conditioning import Conditioning, conditioning_of, smallest
from stillmotion.engines.diffusers.decoding import frames_of
from stillmotion.engines.diffusers.families import FAMILIES
from stillmotion.engines.diffusers.hooks import Latents
from stillmotion.engines.diffusers.loaded_model import LoadedModel
from stillmotion.engines.diffusers.model_slot import ModelSlot
from stillmotion.engines.diffusers.preflight import why_unfit
from stillmotion.engines.diffusers.progress import ClipProgress
from stillmotion.engines.diffusers.prompts import PLAIN


class Diffusers:
    """Engine for one catalogue entry, in a slot that it shares with other entries. Implements `Engine`."""

    def __init__(self, entry: Entry, slot: ModelSlot) -> None:
        self.name = entry.engine_name
        self._entry, self._slot = entry, slot
        family = FAMILIES.get(entry.family)
        carries = family.carries if family is not None and Ability.EXTEND in entry.abilities else 1
        self.wants = Wants(entry.sizes, carries - 1, entry.fps)
        self._words = family.words if family is not None else PLAIN

    def render(self, job: RenderJob, report: Report) -> Rendering:
        """Load the model if necessary and denoise; frames are decoded as the iterator is consumed.

        Raises `GenerationFailed` (codes `model_unfit`, `out_of_memory`), and what `report` raises.
        """
        began = time.monotonic()
        try:
            report(0.0)
            resident = self._slot.hold(self._entry)
        except EngineUnfit as error:
            raise FailureKind.MODEL_UNFIT.error() from error
        loaded = time.monotonic()
        shot = conditioning_of(job, self._entry, self._words)
        course = ClipProgress(resident.step_times, (shot.size, shot.frame_count), shot.steps, shot.frame_count, report)
        latents = resident.denoise(shot, course, job.show)
        size = resident.size(shot.size)
        seconds = {"load": loaded - began, "denoise": time.monotonic() - loaded}
        return Rendering(
            size=size,
            fps=shot.fps,
            frame_count=len(shot.kept),
            frames=_kept(resident, latents, shot, course),
            plan=self._told(shot, size, resident, seconds),
        )

    def why_unfit(self) -> str | None:
        """The reason why the model cannot be loaded, from its entry and folder alone. Nothing is loaded."""
        return why_unfit(self._entry)

    def warm(self) -> None:
        """Load the model and render its smallest clip, so that no customer waits for that. Raises `EngineUnfit`."""
        resident = self._slot.hold(self._entry)
        shot = smallest(self._entry)
        course = ClipProgress(resident.step_times, None, shot.steps, shot.frame_count, lambda _: None)
        try:
            for _ in resident.decode(resident.denoise(shot, course), shot, course):
                pass
        except GenerationFailed as failure:
            raise EngineUnfit(f"The model {self._entry.name} does not run here: {failure.reason}") from failure

    def _told(self, shot: Conditioning, size: FrameSize, resident: LoadedModel, seconds: dict[str, float]) -> str:
        return json.dumps(
            {
                "engine": self.name,
                "prompt": shot.prompt,
                "size": [size.width, size.height],
                "frames": len(shot.kept),
                "fps": shot.fps,
                "steps": shot.steps,
                "guidance": shot.guidance,
                "seed": shot.seed,
                "held_to": [anchor.index for anchor in shot.anchors],
                "instead": list(shot.notes),
                "placement": resident.placement,
                "device": str(resident.device),
                "seconds": {name: round(value, 3) for name, value in seconds.items()},
            }
        )


def _kept(resident: LoadedModel, latents: Latents, shot: Conditioning, course: ClipProgress) -> Iterator[Frame]:
    course.decoding()
    index = 0
    for piece in resident.decode(latents, shot, course):
        for frame in frames_of(piece):
            if index in shot.kept:
                yield frame
            index += 1
            course.after_frame(index)
    course.arrived()
