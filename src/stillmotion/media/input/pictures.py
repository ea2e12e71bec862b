"""Reader of pictures: a stranger's bytes become a plain 8-bit sRGB `Picture`, or a failure.

It belongs into a decoder process (`stillmotion.media.sandbox.decoder`), where a crash or much memory does no harm.
"""

import struct
import warnings
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageChops, ImageCms

from stillmotion.domain.failures import FailureKind
from stillmotion.domain.file_types.pictures import MAX_PICTURE_PIXELS, MAX_PICTURE_SIDE, picture_type
from stillmotion.domain.file_types.unsupported import refusal_of
from stillmotion.domain.rendering import Picture
from stillmotion.domain.request import FrameSize
from stillmotion.media.colour.convert import to_srgb
from stillmotion.media.input import png_rows
from stillmotion.media.metadata import exif, iso, jpeg, png, webp
from stillmotion.media.metadata.picture_metadata import Parts

COVER_MARGIN = 1.25
"""Scale of a reduced picture above the asked size, so that it can still be cropped and resampled well."""

BACKGROUND = (255, 255, 255)
"""The colour behind transparent pixels: white, as the page that most cut-outs were made for."""

HEIF = "HEIF"
"""Pillow's name for the format that needs `pillow-heif`."""

_FORMATS: Mapping[str, str] = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/webp": "WEBP",
    "image/gif": "GIF",
    "image/tiff": "TIFF",
    "image/avif": "AVIF",
    "image/heic": HEIF,
}
"""Pillow's name for each media type that is read."""

_TRANSPOSED: Mapping[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The transposition that turns a picture upright, by its Exif orientation."""
_TURNED_BY_A_QUARTER = frozenset({5, 6, 7, 8})

_LACKING = 0.005
"""Largest share of a JPEG picture that may be missing at its end: a few blocks of the last row."""
_CORNER = 2
"""Side of the corner that is looked at, in pixels: the last block may lie beyond the edge except for those."""
_SIGHT = 512
"""Longer side of the sketch in which missing parts are looked for, in pixels."""
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    ArithmeticError,
    AttributeError,
    RuntimeError,
    struct.error,
    zlib.error,
)
"""The exceptions that Pillow's decoders raise for damaged files."""


def load_formats() -> None:
    """Load Pillow's decoders at once rather than with the first file of each kind; HEIC's if it is installed."""
    Image.init()
    with suppress(ImportError):
        from pillow_heif import register_heif_opener  # noqa: PLC0415 - an extra

        register_heif_opener(thumbnails=False)


@dataclass(frozen=True, slots=True)
class Opened:
    """A file whose header has been read: its format, Pillow's image, and its metadata."""

    kind: str
    image: Image.Image
    parts: Parts

    @property
    def orientation(self) -> int:
        """Exif's orientation, 1 to 8, that the loaded `image` still has: some libraries turn pictures themselves."""
        if self.kind == "TIFF":
            return 1
        if self.kind == "AVIF":
            return exif.orientation(_bytes(self.image.info.get("exif")))
        return self.parts.orientation

    def loaded(self) -> Image.Image:
        """The picture, decoded and upright. Raises one of `_DECODER_ERRORS` if it is damaged."""
        try:
            self.image.load()
            image = self.image
        except _DECODER_ERRORS:
            rows = png_rows.all_rows(self.parts.content) if self.kind == "PNG" else None
            if rows is None:
                raise
            image = Image.open(BytesIO(rows), formats=["PNG"])
            image.load()
        if self.kind == "JPEG" and not self._is_whole():
            raise OSError("some of its rows are missing")
        method = _TRANSPOSED.get(self.orientation)
        if method is None:
            return image
        turned = image.transpose(method)
        turned.info = image.info
        return turned

    def _is_whole(self) -> bool:
        """True if the file holds every row of a JPEG picture.

        libjpeg fills missing blocks with grey and reports nothing. So a file that stops early, or whose picture ends in
        a block of one colour, is decoded once more with noise behind its data: missing blocks differ in the second.
        """
        if self.parts.is_short:
            return False
        # A progressive file that was closed early is a whole picture with less detail.
        is_plain = not self.image.info.get("progressive") and _ends_flat(self.image)
        if self.parts.with_noise is None or (self.parts.is_ended and not is_plain):
            return True
        # The same file twice, so that all differences come from missing blocks.
        first, second = _sketch(self.parts.content), _sketch(self.parts.with_noise())
        differing = ImageChops.difference(first, second).convert("L").point(lambda value: 255 if value else 0)
        return differing.histogram()[255] <= _LACKING * first.width * first.height


def measure(source: bytes | Path | BinaryIO) -> FrameSize:
    """The upright picture's size in pixels, read from the header. Raises as `decode` does."""
    with opened(source) as found:
        width, height = found.image.size
        turned = found.orientation in _TURNED_BY_A_QUARTER
        return FrameSize(height, width) if turned else FrameSize(width, height)


def decode(source: bytes | Path | BinaryIO, *, cover: FrameSize | None = None) -> Picture:
    """Decode an untrusted picture; of several frames or pages the first.

    PNG, JPEG, WebP, GIF, TIFF, AVIF and (if `load_formats` found it) HEIC, recognised by the first bytes, never by the
    name. With `cover`, a larger picture is reduced to that size and a margin, which bounds memory. Damage in the
    metadata (Exif, profiles, text, bytes after the end) does not refuse a picture.

    Raises `GenerationFailed`: `IMAGE_UNSUPPORTED`, `IMAGE_TOO_MANY_PIXELS`, `IMAGE_EMPTY`, `IMAGE_DAMAGED` or
    `IMAGE_NEEDS_TOO_MUCH_MEMORY`.
    """
    with opened(source) as found:
        if cover is not None:
            _decode_smaller(found.image, cover)
        plain = _eight_bit(found.loaded())
        if cover is not None:
            plain = _reduced(plain, cover)
        flat, alpha = _flattened(plain, found)
        return Picture(
            width=flat.width,
            height=flat.height,
            pixels=flat.tobytes(),
            alpha=None if alpha is None else alpha.tobytes(),
        )


@contextmanager
def opened(source: bytes | Path | BinaryIO) -> Iterator[Opened]:
    """Open the file: its header is read and its size checked. Decoding errors inside the block become failures.

    Raises `GenerationFailed` as `decode` does.
    """
    content = _content(source)
    kind = _kind(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
        try:
            parts = _parsed(kind, content)
            with Image.open(BytesIO(parts.content), formats=[kind]) as image:
                _check_size(*image.size)
                yield Opened(kind, image, parts)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise FailureKind.IMAGE_TOO_MANY_PIXELS.error() from error
        except MemoryError as error:
            raise FailureKind.IMAGE_NEEDS_TOO_MUCH_MEMORY.error(format=kind) from error
        except _DECODER_ERRORS as error:
            raise FailureKind.IMAGE_DAMAGED.error(format=kind) from error


def _content(source: bytes | Path | BinaryIO) -> bytes:
    if isinstance(source, Path):
        return source.read_bytes()
    return source if isinstance(source, bytes) else source.read()


def _kind(content: bytes) -> str:
    """Pillow's name of the format, by the file's first bytes."""
    if not content:
        raise FailureKind.IMAGE_EMPTY.error()
    refused = refusal_of(content, reads_heic=HEIF in Image.OPEN)
    if refused is not None:
        raise FailureKind.IMAGE_UNSUPPORTED.error(refusal=refused)
    return _FORMATS[picture_type(content) or ""]


def _parsed(kind: str, content: bytes) -> Parts:
    match kind:
        case "PNG":
            return png.parse(content)
        case "JPEG":
            return jpeg.parse(content)
        case "WEBP":
            return webp.parse(content)
        case "AVIF" | "HEIF":
            return iso.parse(content)
        case _:
            return Parts(content)


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""


def _ends_flat(image: Image.Image) -> bool:
    """True if the last block is of one colour, as a missing block is."""
    block = image.crop((max(0, image.width - _CORNER), max(0, image.height - _CORNER), image.width, image.height))
    return all(low == high for low, high in (channel.getextrema() for channel in block.split()))


def _sketch(content: bytes) -> Image.Image:
    """A JPEG picture in RGB, reduced to about `_SIGHT` unless it is progressive."""
    with Image.open(BytesIO(content), formats=["JPEG"]) as image:
        if not image.info.get("progressive"):
            image.draft(None, (_SIGHT, _SIGHT))
        image.load()
        return image.convert("RGB")


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PICTURE_PIXELS or max(width, height) > MAX_PICTURE_SIDE:
        raise FailureKind.IMAGE_TOO_MANY_PIXELS.error()


def _decode_smaller(image: Image.Image, cover: FrameSize) -> None:
    """Let the JPEG decoder skip detail beyond `cover`, whichever way up the picture is."""
    side = round(max(cover.width, cover.height) * COVER_MARGIN)
    image.draft(None, (side, side))


def _reduced(image: Image.Image, cover: FrameSize) -> Image.Image:
    """The picture, shrunk to `cover` and the margin if it is larger."""
    scale = COVER_MARGIN * max(cover.width / image.width, cover.height / image.height)
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    smaller = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    smaller.info = image.info
    return smaller


def _eight_bit(image: Image.Image) -> Image.Image:
    """The picture in mode L, LA, RGB, RGBA or CMYK, its values scaled (Pillow's own conversion clips 16-bit grey)."""
    if image.mode.startswith("I;16"):
        wide = image.convert("I")
        converted = wide.point(lambda value: value * (1 / 256)).convert("L")
        if isinstance(clear := image.info.get("transparency"), int):
            converted.putalpha(_all_but(wide, clear))
    elif image.mode in {"I", "F"}:
        converted = _stretched(image.convert("F"))
    elif image.mode == "1":
        converted = image.convert("RGBA" if "transparency" in image.info else "L")
    elif image.mode in {"P", "PA"}:
        converted = image.convert("RGBA" if "transparency" in image.info or image.mode == "PA" else "RGB")
    elif image.mode in {"L", "RGB"} and "transparency" in image.info:
        converted = image.convert("RGBA")
    elif image.mode in {"L", "LA", "RGB", "RGBA", "CMYK"}:
        return image
    elif image.mode == "LAB":
        lab, plain = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, lab, plain, outputMode="RGB") or image
    else:
        converted = image.convert("RGB")
    converted.info = image.info
    return converted


def _all_but(wide: Image.Image, clear: int) -> Image.Image:
    """The alpha channel of a picture of whole numbers: transparent where the value is `clear`."""
    above = wide.point(lambda value: value * 1 - clear).convert("L")
    below = wide.point(lambda value: value * -1 + clear).convert("L")
    return ImageChops.lighter(above, below).point(lambda value: 255 if value else 0)


def _stretched(image: Image.Image) -> Image.Image:
    """Grey of no stated range, scaled so that its brightest value is white."""
    extrema = image.getextrema()
    low, high = float(extrema[0]), float(extrema[1])  # type: ignore[arg-type]  # one band: a pair of numbers
    floor, span = min(low, 0.0), max(high, 1e-9) - min(low, 0.0)
    return image.point(lambda value: value * (255 / span) + (-floor * 255 / span)).convert("L")


def _flattened(image: Image.Image, found: Opened) -> tuple[Image.Image, Image.Image | None]:
    """The picture in sRGB over the background, and its alpha channel if it has one."""
    if image.mode not in {"LA", "RGBA"}:
        return _srgb(image, found), None
    alpha = image.getchannel("A")
    opaque = image.convert("L" if image.mode == "LA" else "RGB")
    if alpha.getextrema() == (255, 255):
        return _srgb(opaque, found), None
    # Colours are converted before blending, since blending weights apply to sRGB values.
    flat = Image.new("RGB", image.size, BACKGROUND)
    flat.paste(_srgb(opaque, found), mask=alpha)
    return flat, alpha


def _srgb(image: Image.Image, found: Opened) -> Image.Image:
    """The picture's colours in sRGB, by the file's own colour space."""
    parts = found.parts
    if parts.profile is None and found.kind in {"TIFF", "HEIF"}:
        # The profile as Pillow read it, if our own parser found none.
        parts = replace(parts, profile=_bytes(found.image.info.get("icc_profile")) or None)
    return to_srgb(image, parts, profile_first=found.kind in {"AVIF", "HEIF"})
