"""Writer of excerpts: a small poster, and a small clip without sound."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from PIL import Image

from stillmotion.domain.rendering import Frame, Rendering
from stillmotion.domain.request import FrameSize
from stillmotion.media.excerpts import LONGEST_SECONDS, MOST_FRAMES, excerpt_places, excerpt_rate, excerpt_size
from stillmotion.media.frames import rgb
from stillmotion.media.output.encoder import EncodeOptions, encode
from stillmotion.media.output.stills import reduced_to

QUALITY: Final = 82
"""JPEG quality of a poster."""

SMALL: Final = EncodeOptions(crf=27, threads=1, queue=MOST_FRAMES, keyframe_seconds=LONGEST_SECONDS, most_kbit=280)
"""A bit rate of 280 kbit/s at most keeps the file below 150 KB, whatever it shows."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Excerpt of a clip that has this size and rate. `frames` are its small frames, kept as the clip's go by."""

    clip: FrameSize
    fps: float
    frames: list[Frame] = field(default_factory=list)

    def passing(self, frames: Iterator[Frame], frame_count: int) -> Iterator[Frame]:
        """All frames of the clip, untouched."""
        places, size = frozenset(excerpt_places(frame_count, self.fps)), excerpt_size(self.clip)
        for index, frame in enumerate(frames):
            if index in places:
                self.frames.append(reduced_to(frame, size))
            yield frame

    def write(self, path: Path) -> None:
        """Write the small clip: H.264, playable from its first byte on. Raises as `encode` does."""
        size, rate = excerpt_size(self.clip), excerpt_rate(self.fps)
        encode(Rendering(size, rate, len(self.frames), iter(self.frames), ""), path, SMALL)

    def write_poster(self, frame: Frame, path: Path) -> None:
        """Write a frame of the clip as a small JPEG without metadata."""
        small = reduced_to(frame, excerpt_size(self.clip))
        Image.fromarray(rgb(small)).save(path, "JPEG", quality=QUALITY, optimize=True)
