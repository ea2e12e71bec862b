"""Which files are pictures that we take: told by their first bytes, never by a name or a content type."""

MAX_PICTURE_BYTES = 20 * 1024 * 1024
"""The largest picture we take, as a file."""

MAX_PICTURE_PIXELS = 50_000_000
"""The largest picture we take, decoded."""

SIGNATURE_BYTES = 32
"""How much of a file `picture_type` wants to see."""

_STARTS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
)
_AVIF_BRANDS = (b"avif", b"avis")
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1")


def picture_type(beginning: bytes) -> str | None:
    """The media type of a picture file by its first bytes, None for anything else."""
    for start, media_type in _STARTS:
        if beginning.startswith(start):
            return media_type
    if beginning[:4] == b"RIFF" and beginning[8:12] == b"WEBP":
        return "image/webp"
    if beginning[4:8] == b"ftyp":
        brands = beginning[8:SIGNATURE_BYTES]
        for media_type, known in (("image/avif", _AVIF_BRANDS), ("image/heic", _HEIC_BRANDS)):
            if any(brand in brands for brand in known):
                return media_type
    return None
