"""Pictures in: bytes that a stranger sent become a plain 8-bit sRGB `Picture`, or a refusal in words.

Run it where a crash or a flood of memory harms nobody: in a decoder (`stillmotion.media.decoder`).
"""

import io
import struct
import warnings
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageCms, ImageOps

from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.pictures import MAX_PICTURE_PIXELS, SIGNATURE_BYTES, picture_type
from stillmotion.domain.rendering import Picture
from stillmotion.domain.request import FrameSize

MAX_SIDE = 16_384
COVER_MARGIN = 1.25
"""How much finer than asked a reduced picture stays, so that it can still be cropped and resampled well."""

BACKGROUND = (255, 255, 255)
"""What shows through transparent pixels: the page that most cut-outs were made for."""

HEIF = "HEIF"
"""Pillow's name for what it opens only where `pillow-heif` is installed."""

_FORMATS: Mapping[str, str] = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/webp": "WEBP",
    "image/gif": "GIF",
    "image/tiff": "TIFF",
    "image/avif": "AVIF",
    "image/heic": HEIF,
}
"""Pillow's name for each media type that we open."""

_UPSIDE = 0x0112
_TURNED_BY_A_QUARTER = frozenset({5, 6, 7, 8})
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
"""What Pillow's decoders raise on damaged files."""


def load_formats() -> None:
    """Load all that reads pictures now, and not when the first of a kind comes; HEIC where it is installed."""
    Image.init()
    with suppress(ImportError):
        from pillow_heif import register_heif_opener  # noqa: PLC0415 - an extra

        register_heif_opener(thumbnails=False)


def measure(source: bytes | Path | BinaryIO) -> FrameSize:
    """The picture's size in pixels as it is looked at (upright), read from its header. Raises as `decode` does."""
    with opened(source) as image:
        width, height = image.size
        turned = image.getexif().get(_UPSIDE) in _TURNED_BY_A_QUARTER
        return FrameSize(height, width) if turned else FrameSize(width, height)


def decode(source: bytes | Path | BinaryIO, *, cover: FrameSize | None = None) -> Picture:
    """Decode an untrusted picture; of several frames the first.

    PNG, JPEG, WebP, GIF, TIFF, AVIF and (once `load_formats` found it) HEIC, told by their first bytes, never by
    name. With `cover`, a larger picture is reduced while it still covers that size with a margin, which bounds memory.

    Raises `GenerationFailed` with code `image_unsupported_type`, `image_too_many_pixels` or
    `image_decode_failed`, and a sentence that says what to do.
    """
    with opened(source) as image:
        if cover is not None:
            _decode_smaller(image, cover)
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        plain = _eight_bit(image)
        flat, alpha = _flattened(plain if cover is None else _reduced(plain, cover))
        return Picture(
            width=flat.width,
            height=flat.height,
            pixels=flat.tobytes(),
            alpha=None if alpha is None else alpha.tobytes(),
        )


@contextmanager
def opened(source: bytes | Path | BinaryIO) -> Iterator[Image.Image]:
    """The file's header read and its size accepted; decoding errors inside the block become refusals.

    Raises `GenerationFailed` as `decode` does.
    """
    with ExitStack() as stack:
        if isinstance(source, bytes):
            file: BinaryIO = io.BytesIO(source)
        else:
            file = stack.enter_context(source.open("rb")) if isinstance(source, Path) else source
        kind = _kind(file.read(SIGNATURE_BYTES))
        file.seek(0)
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
        try:
            with Image.open(file, formats=[kind]) as image:
                _check_size(*image.size)
                yield image
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise _too_many_pixels() from error
        except MemoryError as error:
            raise GenerationFailed(
                "image_decode_failed",
                f"The {kind} image takes too much memory to decode: save it smaller, or as a plain 8-bit file.",
            ) from error
        except _DECODER_ERRORS as error:
            raise GenerationFailed(
                "image_decode_failed",
                f"The {kind} image is damaged or incomplete: save it again with an image editor, or send another.",
            ) from error


def _kind(head: bytes) -> str:
    """Pillow's name for what the file is by its first bytes."""
    if not head:
        raise GenerationFailed("image_decode_failed", "The image file is empty: send the whole file.")
    kind = _FORMATS.get(picture_type(head) or "")
    if kind == HEIF and kind not in Image.OPEN:
        raise GenerationFailed(
            "image_unsupported_type",
            "This server does not read HEIC images: send a JPEG or PNG file (or install stillmotion[heif]).",
        )
    if kind is None:
        raise GenerationFailed(
            "image_unsupported_type",
            "This is not an image of a supported kind: send a JPEG, PNG, WebP, AVIF, GIF or TIFF file.",
        )
    return kind


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PICTURE_PIXELS or max(width, height) > MAX_SIDE:
        raise _too_many_pixels()


def _too_many_pixels() -> GenerationFailed:
    return GenerationFailed(
        "image_too_many_pixels",
        f"The image is too large: make it at most {MAX_PICTURE_PIXELS // 1_000_000} megapixels"
        f" and {MAX_SIDE:,} pixels on a side.",
    )


def _decode_smaller(image: Image.Image, cover: FrameSize) -> None:
    """Let the JPEG decoder skip detail that `cover` has no use for, whichever way up the picture is."""
    side = round(max(cover.width, cover.height) * COVER_MARGIN)
    image.draft(None, (side, side))


def _reduced(image: Image.Image, cover: FrameSize) -> Image.Image:
    """The picture shrunk to just cover `cover` with the margin, or itself where it is not larger."""
    scale = COVER_MARGIN * max(cover.width / image.width, cover.height / image.height)
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    smaller = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    smaller.info = image.info
    return smaller


def _eight_bit(image: Image.Image) -> Image.Image:
    """One of L, LA, RGB, RGBA or CMYK, its values scaled (Pillow's own conversion of 16-bit grey clips)."""
    if image.mode.startswith("I;16"):
        converted = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    elif image.mode in {"I", "F"}:
        converted = _stretched(image.convert("F"))
    elif image.mode == "1":
        converted = image.convert("L")
    elif image.mode in {"P", "PA"}:
        converted = image.convert("RGBA" if "transparency" in image.info or image.mode == "PA" else "RGB")
    elif image.mode in {"L", "RGB"} and "transparency" in image.info:
        converted = image.convert("RGBA")
    elif image.mode in {"L", "LA", "RGB", "RGBA", "CMYK"}:
        return image
    else:
        converted = image.convert("RGB")
    converted.info = image.info
    return converted


def _stretched(image: Image.Image) -> Image.Image:
    """Grey of no stated range, spread so that its brightest value is white."""
    extrema = image.getextrema()
    low, high = float(extrema[0]), float(extrema[1])  # type: ignore[arg-type]  # one band: a pair of numbers
    floor, span = min(low, 0.0), max(high, 1e-9) - min(low, 0.0)
    return image.point(lambda value: value * (255 / span) + (-floor * 255 / span)).convert("L")


def _flattened(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """RGB in sRGB over the background, and the alpha that was there."""
    if image.mode not in {"LA", "RGBA"}:
        return _srgb(image), None
    alpha = image.getchannel("A")
    opaque = image.convert("L" if image.mode == "LA" else "RGB")
    opaque.info = image.info
    if alpha.getextrema() == (255, 255):
        return _srgb(opaque), None
    flat = Image.new("RGB", image.size, BACKGROUND)
    flat.paste(_srgb(opaque), mask=alpha)
    return flat, alpha


def _srgb(image: Image.Image) -> Image.Image:
    """The colours the file's profile means; a profile that cannot be read or does not fit means sRGB."""
    profile = image.info.get("icc_profile")
    if not isinstance(profile, bytes) or not profile:
        return image.convert("RGB")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image.convert("RGB")
    return image.convert("RGB") if converted is None else converted
