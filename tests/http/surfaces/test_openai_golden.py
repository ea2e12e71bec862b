"""The videos API's bodies, frozen byte by byte."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from stillmotion.domain.lifecycle import State
from stillmotion.domain.request import AspectRatio, Keyframe, Purpose, Resolution
from stillmotion.http.surfaces.openai.translate import encode
from tests.builders import a_generation, some_assets

GOLDEN = Path(__file__).parents[2] / "golden" / "openai"
AT = datetime(2024, 12, 6, 15, 0, 46, 232527, UTC)
LATER = datetime(2024, 12, 6, 15, 1, 2, 999999, UTC)
ID = "f25c04db-19f7-4b51-871c-af6ed0b32f55"
ASKED = {"aspect_ratio": AspectRatio.WIDE, "seconds": 4.0, "model": "sora-2"}

STATES = {
    "queued": ASKED,
    "dreaming": ASKED | {"state": State.DREAMING, "progress": 0.519},
    "almost": ASKED | {"state": State.DREAMING, "progress": 1.0},
    "completed": ASKED | {"state": State.COMPLETED, "assets": some_assets(ID), "progress": 1.0, "finished_at": LATER},
    "failed": ASKED
    | {
        "state": State.FAILED,
        "failure_reason": "The image could not be decoded.",
        "failure_code": "image_decode_failed",
        "progress": 0.3,
        "finished_at": LATER,
    },
    "cancelled": ASKED | {"state": State.CANCELLED, "finished_at": LATER},
    "everything_asked": {
        "prompt": 'a "quoted" 👨‍👩‍👧 prompt\n</script>',
        "frame0": Keyframe(key=f"inputs/{ID}/token"),
        "aspect_ratio": AspectRatio.TALL,
        "resolution": Resolution.P1080,
        "seconds": 2.5,
        "model": "ray-2",
    },
    "words_alone": ASKED | {"frame0": None},
    "of_another_surface": {"prompt": "leaning girl"},
    "upscaled": {
        "prompt": "",
        "frame0": None,
        "source": ID,
        "purpose": Purpose.UPSCALE,
        "resolution": Resolution.P1080,
    },
}


@pytest.mark.parametrize("state", STATES)
def test_a_body_is_what_it_was(state):
    body = encode(a_generation(**{"id": ID, "created_at": AT} | STATES[state]).view, str)
    assert body + b"\n" == (GOLDEN / f"{state}.json").read_bytes()


def test_every_golden_body_is_of_a_state():
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(STATES)
