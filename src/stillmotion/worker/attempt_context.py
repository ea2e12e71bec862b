"""Context of attempts: all that each of them works with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stillmotion.application.failpoints import Fault, no_fault
from stillmotion.application.leases import Work
from stillmotion.application.metrics import Tally
from stillmotion.application.ports.notifications import QueueSignal
from stillmotion.application.ports.objects import ObjectStore
from stillmotion.application.ports.outbound import ImageSource
from stillmotion.application.ports.tracing import NO_TRACING, Tracing
from stillmotion.application.ports.values import Chance, Clock
from stillmotion.domain.request import VideoCodec
from stillmotion.media.sandbox.client import DECODER_COMMAND
from stillmotion.worker.inputs.fetched import Fetched
from stillmotion.worker.timing import WORKER_TIMING, WorkerTiming, evenly


@dataclass(frozen=True, slots=True)
class AttemptContext:
    """Dependencies of every attempt.

    `announcements` wakes whoever delivers callbacks; `scratch` is ours alone; `codec` is for clips that ask for none.
    `slow_decoder` is the command of a decoder for what takes long. With `previews_on_demand` only those are stored that
    somebody looks at.
    """

    work: Work
    images: ImageSource
    videos: ImageSource
    objects: ObjectStore
    signal: QueueSignal
    announcements: QueueSignal
    clock: Clock
    scratch: Path
    codec: VideoCodec = VideoCodec.H264
    fault: Fault = no_fault
    slow_decoder: Sequence[str] = DECODER_COMMAND
    timing: WorkerTiming = WORKER_TIMING
    tally: Tally = field(default_factory=Tally)
    tracing: Tracing = NO_TRACING
    chance: Chance = evenly
    previews_on_demand: bool = False

    @property
    def fetched(self) -> Fetched:
        """Folder of downloaded inputs, beside the scratch folder, which every start empties."""
        return Fetched(self.scratch.with_name("fetched"))
