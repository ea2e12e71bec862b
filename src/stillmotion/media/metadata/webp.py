"""WebP: the chunks that the picture needs."""

from stillmotion.media.metadata.exif import orientation
from stillmotion.media.metadata.picture_metadata import Parts

_PICTURE = frozenset({b"VP8 ", b"VP8L", b"ALPH", b"ANIM"})
_ALPHA_AND_MOTION = 0x12
"""Flags of `VP8X` about the picture itself: alpha and animation."""


def parse(content: bytes) -> Parts:
    """Metadata and essential chunks of a WebP file; of an animation only the first frame. A truncated file stays as it
    is.
    """
    kept, beside, at = [], dict[bytes, bytes](), 12
    is_found = False
    while at + 8 <= len(content):
        name, length = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        data = content[at + 8 : at + 8 + length]
        # RIFF pads chunks to even lengths.
        at += 8 + length + length % 2
        # Flags of removed chunks are cleared.
        if name == b"VP8X" and len(data) == 10:
            kept.append(_chunk(name, bytes((data[0] & _ALPHA_AND_MOTION,)) + data[1:]))
        elif (name in _PICTURE or name == b"ANMF") and not is_found:
            if len(data) < length:
                return Parts(content, is_ended=False)
            is_found = name in {b"VP8 ", b"VP8L", b"ANMF"}
            kept.append(_chunk(name, data))
        elif name in {b"ICCP", b"EXIF"}:
            beside.setdefault(name, data)
    body = b"WEBP" + b"".join(kept)
    return Parts(
        b"RIFF" + len(body).to_bytes(4, "little") + body,
        orientation(beside.get(b"EXIF", b"")),
        beside.get(b"ICCP") or None,
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + len(data).to_bytes(4, "little") + data + b"\0" * (len(data) % 2)
