"""The colours that a file means, in sRGB: by its profile, by the names of a colour space, or by its gamma."""

import io
from contextlib import suppress

from PIL import Image, ImageCms

from stillmotion.media.colour.primaries import SRGB, primaries_of
from stillmotion.media.colour.profiles import CURVES, coding_of, power, profile_of
from stillmotion.media.colour.tone import is_bright, toned
from stillmotion.media.metadata.found import Coding, Parts, Whites

_PLAIN = Coding(1, 13)
"""sRGB itself."""
_NEARLY_SRGB = (0.4, 0.5)
"""Values of `gAMA` that, with no primaries beside them, mean sRGB to a browser too."""


def to_srgb(image: Image.Image, parts: Parts, *, profile_first: bool) -> Image.Image:
    """An L, RGB or CMYK picture as RGB in sRGB. What cannot be read of its colours means sRGB.

    `profile_first` says whether a profile goes before the name of a colour space, as in AVIF; in PNG it is behind.
    """
    profile, coding = parts.profile, parts.coding
    if coding is not None and profile is not None and profile_first:
        coding = None
    if coding is None and profile is not None:
        coding = coding_of(profile)
        coding = coding if coding is not None and is_bright(coding) else None
    if coding is not None and is_bright(coding):
        return toned(image.convert("RGB"), coding, parts.peak_nits)
    if coding is not None and (named := _named(coding)) is not None:
        return image.convert("RGB") if coding == _PLAIN else converted(image.convert("RGB"), named)
    if profile is not None:
        return converted(image, profile)
    if parts.gamma is not None and (spaced := _spaced(parts.whites, parts.gamma)) is not None:
        return converted(image.convert("RGB"), spaced)
    return image.convert("RGB")


def converted(image: Image.Image, profile: bytes) -> Image.Image:
    """The picture by its profile; by none where that cannot be read or does not fit."""
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


def _spaced(whites: Whites | None, gamma: float) -> bytes | None:
    if whites is not None:
        with suppress(ValueError):
            return profile_of(whites, power(gamma))
    return None if _NEARLY_SRGB[0] < gamma < _NEARLY_SRGB[1] else profile_of(SRGB, power(gamma))
