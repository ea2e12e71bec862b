"""A clip's frame as a still picture: for an engine to go on from, and the one that stands for the clip."""

from pathlib import Path

from PIL import Image

from stillmotion.domain.rendering import Frame
from stillmotion.media.frames import rgb

QUALITY = 88


def write_thumbnail(frame: Frame, path: Path) -> int:
    """Write the frame as a JPEG of its own size with no metadata; answers with its bytes."""
    Image.fromarray(rgb(frame)).save(path, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return path.stat().st_size
