"""An engine for Stillmotion: a slow zoom over one picture, or a cross-fade from one picture to another."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stillmotion.domain.catalogue import Entry
from stillmotion.domain.errors import EngineUnfit, GenerationFailed
from stillmotion.domain.rendering import Frame, Picture, Rendering, RenderJob, Report, Wants
from stillmotion.domain.request import FrameSize

__version__ = "0.1.0"

MOST_ZOOM = 4.0


class KenBurns:
    """The engine of one catalogue entry. Implements `stillmotion.domain.rendering.Engine`."""

    def __init__(self, entry: Entry) -> None:
        self.name = entry.engine_name
        # With sizes given, pictures arrive cut and scaled to the clip's size.
        self.wants = Wants(entry.sizes, fps=entry.fps)
        self._entry = entry
        zoom = entry.options.get("zoom", 1.2)
        if not isinstance(zoom, int | float) or isinstance(zoom, bool) or not 1 <= zoom <= MOST_ZOOM:
            raise EngineUnfit(f"models.{entry.name}.options.zoom must be a number from 1 to {MOST_ZOOM:g}.")
        self._zoom = float(zoom)

    def render(self, job: RenderJob, report: Report) -> Rendering:
        """The clip; its frames are drawn as they are taken."""
        if job.frame0 is None:
            raise GenerationFailed("image_required", "This engine moves pictures: give it an image to start from.")
        count = self._entry.frames.nearest(job.seconds * self._entry.fps)
        first, last = _image(job.frame0), None if job.frame1 is None else _image(job.frame1)
        plan = {"moves": ["zoom_in" if last is None else "cross_fade"], "ignored": [job.prompt] if job.prompt else []}
        return Rendering(
            size=job.size,
            fps=self._entry.fps,
            frame_count=count,
            frames=self._frames(first, last, job.size, count, report),
            plan=json.dumps(plan),
        )

    def _frames(
        self, first: Image.Image, last: Image.Image | None, size: FrameSize, count: int, report: Report
    ) -> Iterator[Frame]:
        for index in range(count):
            # A report is where a cancel arrives, as an exception: nothing is to be cleaned up here.
            report(index / count)
            part = index / max(1, count - 1)
            eased = part * part * (3 - 2 * part)
            if last is None:
                yield _frame(_zoomed(first, size, self._zoom**eased))
            else:
                yield _frame(Image.blend(first, last, eased))
        report(1.0)


def _image(picture: Picture) -> Image.Image:
    return Image.frombuffer("RGB", (picture.width, picture.height), picture.pixels)


def _zoomed(image: Image.Image, size: FrameSize, zoom: float) -> Image.Image:
    """The middle of the picture. The box has fractions of pixels, without which a slow zoom trembles."""
    left, top = (side * (1 - 1 / zoom) / 2 for side in image.size)
    box = (left, top, image.width - left, image.height - top)
    return image.resize((size.width, size.height), Image.Resampling.BICUBIC, box=box)


def _frame(image: Image.Image) -> Frame:
    """The picture in the planes of a frame: BT.709 (Kr = 0.2126, Kb = 0.0722), limited range, chroma of half size."""
    rgb = np.asarray(image, np.float32) / 255
    luma = rgb @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    planes: list[NDArray[Any]] = [16 + 219 * luma]
    for channel, spread in ((2, 1.8556), (0, 1.5748)):
        chroma = 128 + 224 * (rgb[..., channel] - luma) / spread
        planes.append(_halved(chroma))
    content = b"".join(np.uint8(np.clip(np.rint(plane), 0, 255)).tobytes() for plane in planes)
    return Frame(image.width, image.height, content)


def _halved(plane: NDArray[Any]) -> NDArray[Any]:
    """The means of blocks of two by two."""
    height, width = plane.shape
    halved: NDArray[Any] = plane.reshape(height // 2, 2, width // 2, 2).mean((1, 3))
    return halved
