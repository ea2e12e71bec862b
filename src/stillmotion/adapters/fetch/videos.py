"""Fetching the videos that callers point to: as pictures are fetched, larger, and refused in words of their own."""

from dataclasses import dataclass, field
from datetime import timedelta

from stillmotion.adapters.fetch.client import Connections
from stillmotion.adapters.fetch.images import HttpImages
from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.file_types.pictures import SIGNATURE_BYTES
from stillmotion.domain.file_types.videos import MAX_VIDEO_BYTES, video_type

DEADLINE = timedelta(seconds=60)
"""For everything, as for pictures."""


@dataclass(frozen=True, slots=True)
class HttpVideos:
    """`ImageSource` of videos: the address of the caller's, guarded at every hop."""

    connections: Connections = field(default_factory=Connections)
    deadline: timedelta = DEADLINE

    async def fetch(self, url: str, destination: str) -> None:
        """Write the video at `url` to the file `destination`.

        Raises `GenerationFailed`, or `Unavailable` where the file cannot be written.
        """
        files = HttpImages(self.connections, self.deadline, refused=_refused, most_bytes=MAX_VIDEO_BYTES)
        try:
            await files.fetch(url, destination)
        except GenerationFailed as failure:
            raise _of_a_video(failure) from failure


def _refused(content: bytes) -> str | None:
    if video_type(content[:SIGNATURE_BYTES]) is not None:
        return None
    return "not a video of a supported kind: use an MP4, MOV, WebM or GIF file"


def _of_a_video(failure: GenerationFailed) -> GenerationFailed:
    match failure.code:
        case "image_unsupported_type":
            return GenerationFailed(
                "source_unsupported_type",
                failure.reason,
            )
        case "image_too_large":
            limit = MAX_VIDEO_BYTES // (1024 * 1024)
            return GenerationFailed(
                "source_too_large", f"The video file is larger than {limit} MiB: use a smaller or shorter one."
            )
        case _:
            why = failure.reason.partition(": ")[2].replace("the image", "the video")
            return GenerationFailed(
                "source_fetch_failed", f"The video could not be fetched: {why}", permanent=failure.permanent
            )
