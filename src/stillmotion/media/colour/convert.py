"""Conversion to sRGB from an ICC profile, named primaries and transfer, or a gamma."""

import io
from contextlib import suppress

from PIL import Image, ImageCms

from stillmotion.media.colour.primaries import SRGB, primaries_of
from stillmotion.media.colour.profiles import CURVES, coding_of, power, profile_of
from stillmotion.media.colour.tone import is_hdr, tone_mapped
from stillmotion.media.metadata.picture_metadata import Coding, Parts, Primaries

_PLAIN = Coding(1, 13)
"""sRGB's code points."""
_NEARLY_SRGB = (0.4, 0.5)
"""Range of `gAMA` that means sRGB to browsers if no primaries stand beside it."""


def to_srgb(image: Image.Image, parts: Parts, *, profile_first: bool) -> Image.Image:
    """An L, RGB or CMYK picture as RGB in sRGB. Unreadable colour information counts as sRGB.

    `profile_first` says that a profile takes precedence over code points, as in AVIF; in PNG it is the other way round.
    """
    profile, coding = parts.profile, parts.coding
    if coding is not None and profile is not None and profile_first:
        coding = None
    if coding is None and profile is not None:
        coding = coding_of(profile)
        # A `cicp` tag matters for HDR only: the rest of the profile describes SDR fully.
        coding = coding if coding is not None and is_hdr(coding) else None
    if coding is not None and is_hdr(coding):
        return tone_mapped(image.convert("RGB"), coding, parts.peak_nits)
    if coding is not None and (named := _named(coding)) is not None:
        return image.convert("RGB") if coding == _PLAIN else converted(image.convert("RGB"), named)
    if profile is not None:
        return converted(image, profile)
    if parts.gamma is not None and (spaced := _spaced(parts.primaries, parts.gamma)) is not None:
        return converted(image.convert("RGB"), spaced)
    return image.convert("RGB")


def converted(image: Image.Image, profile: bytes) -> Image.Image:
    """The picture converted by its ICC profile; unchanged if the profile is unreadable or does not fit."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        changed = ImageCms.profileToProfile(
            image,
            source,
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image.convert("RGB")
    return image.convert("RGB") if changed is None else changed


def _named(coding: Coding) -> bytes | None:
    space, curve = primaries_of(coding.primaries), CURVES.get(coding.transfer)
    return None if space is None or curve is None else profile_of(space, curve)


def _spaced(primaries: Primaries | None, gamma: float) -> bytes | None:
    if primaries is not None:
        with suppress(ValueError):
            return profile_of(primaries, power(gamma))
    return None if _NEARLY_SRGB[0] < gamma < _NEARLY_SRGB[1] else profile_of(SRGB, power(gamma))
