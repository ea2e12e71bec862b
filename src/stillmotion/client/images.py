"""Input pictures: a path, bytes, a PIL image, a URL, or an earlier generation."""

import base64
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

from stillmotion.client.errors import ImageUnreadable
from stillmotion.client.generation import Generation

_REMOTE = ("http://", "https://", "data:")
_PNG_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"})
_SIGNATURES = (
    (b"\x89PNG", "png"),
    (b"\xff\xd8", "jpeg"),
    (b"GIF8", "gif"),
    (b"RIFF", "webp"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
)


@runtime_checkable
class PilImage(Protocol):
    """The part of `PIL.Image.Image` that is used, so that Pillow need not be imported."""

    mode: str

    def save(self, fp: Any, format: str) -> None:  # noqa: A002 - Pillow's own name
        """Write the picture as a file of that format."""
        ...

    def convert(self, mode: str) -> "PilImage":
        """The same picture in another pixel format."""
        ...


Image: TypeAlias = str | os.PathLike[str] | bytes | PilImage | Generation
"""A path, the bytes of an image file, a PIL image, an http(s) or data URL, or a generation to go on from."""


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A local picture, to be uploaded."""

    name: str
    content: bytes

    @property
    def media_type(self) -> str:
        """Media type by the file's signature; the server looks for itself."""
        found = (kind for start, kind in _SIGNATURES if self.content.startswith(start))
        return f"image/{next(found, 'avif')}"

    @property
    def data_uri(self) -> str:
        """The picture as a data URI."""
        return f"data:{self.media_type};base64,{base64.b64encode(self.content).decode('ascii')}"


def is_local(image: Image) -> bool:
    """True for a picture that must be uploaded; False for one that is named by URL or generation."""
    return not (isinstance(image, Generation) or (isinstance(image, str) and image.lower().startswith(_REMOTE)))


def files_among(*images: Image | None) -> tuple[str, ...]:
    """Absolute paths of the pictures that are local files; the working directory may change later."""
    paths = (each for each in images if isinstance(each, str | os.PathLike) and is_local(each))
    return tuple(os.path.realpath(each) for each in paths)


def read_image(image: Image) -> ImageFile:
    """Read a local picture. Raises `ImageUnreadable`."""
    if isinstance(image, bytes):
        return ImageFile("image", image)
    if isinstance(image, str | os.PathLike):
        path = Path(image)
        try:
            return ImageFile(os.fsencode(path.name).decode("utf-8", "replace"), path.read_bytes())
        except OSError as error:
            reason = error.strerror or "it is no file"
            raise ImageUnreadable(f"{path} cannot be read ({reason}): give a picture's path or its URL.") from error
    if not isinstance(image, PilImage):
        kind = type(image).__name__
        raise ImageUnreadable(f"{kind} is no picture: give a path, a URL, bytes or a PIL image.")
    return ImageFile("image.png", _as_png(image))


def _as_png(image: PilImage) -> bytes:
    written = io.BytesIO()
    (image if image.mode in _PNG_MODES else image.convert("RGB")).save(written, "PNG")
    return written.getvalue()
