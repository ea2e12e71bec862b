"""The Dream Machine's bodies, frozen byte by byte."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from stillmotion.domain.lifecycle import State
from stillmotion.domain.reframing import Placement
from stillmotion.domain.request import AspectRatio, Keyframe, Purpose, Resolution
from stillmotion.http.surfaces.dreammachine.translate import encode
from tests.builders import a_generation, some_assets

GOLDEN = Path(__file__).parents[2] / "golden" / "dreammachine"
AT = datetime(2024, 12, 6, 15, 0, 46, 232527, UTC)
ID = "f25c04db-19f7-4b51-871c-af6ed0b32f55"
SOURCE = {"prompt": "", "frame0": None, "source": ID}

STATES = {
    "queued": {},
    "dreaming": {"state": State.DREAMING, "progress": 0.51234},
    "completed": {"state": State.COMPLETED, "assets": some_assets(ID), "progress": 1.0},
    "failed": {"state": State.FAILED, "failure_reason": "The renderer crashed.", "failure_code": "renderer_crashed"},
    "unreadable": {
        "state": State.FAILED,
        "failure_reason": "The image could not be decoded.",
        "failure_code": "image_decode_failed",
    },
    "cancelled": {"state": State.CANCELLED},
    "everything_asked": {
        "prompt": 'a "quoted" 👨‍👩‍👧 prompt\n</script>',
        "frame0": Keyframe(key=f"inputs/{ID}/token"),
        "frame1": Keyframe(id=ID),
        "aspect_ratio": AspectRatio.TALL,
        "seconds": 2.5,
        "concepts": ("push_in", "handheld"),
        "callback_url": "https://customer.example/callback",
        "model": "ray-2",
    },
    "upscaled": SOURCE | {"purpose": Purpose.UPSCALE, "resolution": Resolution.P1080},
    "reframed": SOURCE
    | {
        "purpose": Purpose.REFRAME,
        "aspect_ratio": AspectRatio.SQUARE,
        "source_url": "https://video.example/assets/generations/x/y.mp4",
        "placement": Placement(left=-10, top=5, width=400),
    },
    "reframed_from_elsewhere": {
        "prompt": "",
        "frame0": None,
        "seconds": 12.0,
        "purpose": Purpose.REFRAME,
        "aspect_ratio": AspectRatio.TALL,
        "source_url": "https://example.com/film.webm",
    },
    "words_alone": {"frame0": None, "model": "wan"},
}


@pytest.mark.parametrize("state", STATES)
def test_a_body_is_what_it_was(state):
    def link_to(key):
        return f"https://video.example/assets/{key}?expires=1&signature=s"

    body = encode(a_generation(**{"id": ID, "created_at": AT} | STATES[state]).view, link_to)
    assert body + b"\n" == (GOLDEN / f"{state}.json").read_bytes()


def test_every_golden_body_is_of_a_state():
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(STATES)
