"""Accepted pictures, by their signature; a name or a content type is never trusted."""

MAX_PICTURE_BYTES = 20 * 1024 * 1024
"""Most bytes of a picture's file."""

MAX_PICTURE_PIXELS = 1 << 26
"""Most pixels of a picture: 67 million, more than telephones' cameras give."""

MAX_PICTURE_SIDE = 16_384
"""Longest side of a picture, in pixels."""

SIGNATURE_BYTES = 64
"""Bytes of a file's beginning that `picture_type` needs."""

KINDS = "JPEG, PNG, WebP, AVIF, GIF or TIFF"
"""Formats that every installation reads, for sentences."""

HEIC = "image/heic"
"""Media type that needs the extra `heif`."""

_STARTS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"II+\0", "image/tiff"),
    (b"MM\0+", "image/tiff"),
)
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})


def picture_type(beginning: bytes) -> str | None:
    """Media type of a picture by its signature; None for anything else."""
    for start, media_type in _STARTS:
        if beginning.startswith(start):
            return media_type
    if beginning[:4] == b"RIFF" and beginning[8:12] == b"WEBP":
        return "image/webp"
    brands = iso_brands(beginning)
    if brands & _AVIF_BRANDS:
        return "image/avif"
    return HEIC if brands & _HEIC_BRANDS else None


def iso_brands(beginning: bytes) -> frozenset[bytes]:
    """Brands of an ISO media file (AVIF, HEIC, MP4 …), from its `ftyp` box; none for any other file."""
    if beginning[4:8] != b"ftyp":
        return frozenset()
    end = min(int.from_bytes(beginning[:4], "big"), SIGNATURE_BYTES, len(beginning))
    return frozenset(beginning[at : at + 4] for at in (8, *range(16, end - 3, 4)))
