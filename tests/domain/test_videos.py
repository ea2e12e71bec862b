"""Recognition of videos by their first bytes."""

import pytest

from stillmotion.domain.file_types.videos import video_type


@pytest.mark.parametrize(
    ("beginning", "container"),
    [
        (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41", "mp4"),
        (b"\0\0\0\x14ftypqt  \0\0\2\0qt  ", "mp4"),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01", "matroska"),
        (b"GIF89a\1\0\1\0", "gif"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", None),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", None),
        (b"\x89PNG\r\n\x1a\n", None),
        (b"#EXTM3U\n", None),
        (b"ffconcat version 1.0\n", None),
        (b"RIFF\0\0\0\0AVI LIST", None),
        (b"", None),
    ],
)
def test_a_video_is_told_by_its_container(beginning, container):
    assert video_type(beginning) == container
