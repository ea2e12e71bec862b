"""Accepted videos, by their signature; a name or a content type is never trusted."""

MAX_VIDEO_BYTES = 64 * 1024 * 1024
"""Most bytes of a video's file."""

_EBML = b"\x1a\x45\xdf\xa3"
_GIFS = (b"GIF87a", b"GIF89a")
_NO_VIDEO = (b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
"""Brands of the ISO container that mean a picture."""


def video_type(beginning: bytes) -> str | None:
    """FFmpeg's name for the container of a file, by its first 32 bytes; None for anything else.

    MP4 and MOV are one to it, as WebM and Matroska are. An animated GIF is told from a still one by its frames alone.
    """
    if beginning[4:8] == b"ftyp" and beginning[8:12] not in _NO_VIDEO:
        return "mp4"
    if beginning.startswith(_EBML):
        return "matroska"
    return "gif" if beginning.startswith(_GIFS) else None
