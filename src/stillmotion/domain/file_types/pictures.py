"""Which files are pictures that we take: told by their first bytes, never by a name or a content type."""

MAX_PICTURE_BYTES = 20 * 1024 * 1024
"""The largest picture we take, as a file."""

MAX_PICTURE_PIXELS = 1 << 26
"""The largest picture we take, decoded: 67 million pixels, which the cameras of telephones keep below."""

MAX_PICTURE_SIDE = 16_384
"""The longest side of a picture that we take, in pixels."""

SIGNATURE_BYTES = 64
"""How much of a file `picture_type` wants to see."""

KINDS = "JPEG, PNG, WebP, AVIF, GIF or TIFF"
"""What is taken everywhere, for sentences."""

HEIC = "image/heic"
"""Taken where the extra `heif` is installed."""

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
    """The media type of a picture file by its first bytes, None for anything else."""
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
    """The brands that an ISO media file (AVIF, HEIC, MP4 …) says it is of; none for any other file."""
    if beginning[4:8] != b"ftyp":
        return frozenset()
    end = min(int.from_bytes(beginning[:4], "big"), SIGNATURE_BYTES, len(beginning))
    return frozenset(beginning[at : at + 4] for at in (8, *range(16, end - 3, 4)))
