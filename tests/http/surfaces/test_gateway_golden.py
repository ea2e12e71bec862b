"""The gateway's bodies, frozen byte by byte. Their keys, nesting and order are the founding document's."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stillmotion.domain.lifecycle import State
from stillmotion.domain.request import AspectRatio, Keyframe, Purpose
from stillmotion.http.surfaces.gateway.translate import encode
from tests.builders import a_generation, some_assets

GOLDEN = Path(__file__).parents[2] / "golden"
AT = datetime(2024, 12, 6, 15, 0, 46, 232527, UTC)
ID = "f25c04db-19f7-4b51-871c-af6ed0b32f55"

STATES = {
    "queued": {},
    "dreaming": {"state": State.DREAMING, "progress": 0.5},
    "completed": {"state": State.COMPLETED, "assets": some_assets(ID), "progress": 1.0},
    "failed": {"state": State.FAILED, "failure_reason": "The picture could not be read.", "failure_code": "unreadable"},
    "cancelled": {"state": State.CANCELLED},
    "everything_asked": {
        "created_at": datetime(2024, 12, 6, 15, 0, 46, 0, UTC),
        "prompt": 'a "quoted" 👨‍👩‍👧 prompt\n</script>',
        "frame0": Keyframe(key=f"inputs/{ID}/token"),
        "frame1": Keyframe(id=ID),
        "aspect_ratio": AspectRatio.TALL,
        "loop": True,
        "callback_url": "https://customer.example/callback",
        "model": "ray-2",
    },
    "words_alone": {"frame0": None, "model": "wan"},
    "upscaled": {"prompt": "", "frame0": None, "source": ID, "purpose": Purpose.UPSCALE},
}


def link_to(key: str) -> str:
    return f"https://video.example/assets/{key}?expires=1&signature=s"


def body_of(state: str) -> bytes:
    return encode(a_generation(**{"id": ID, "created_at": AT} | STATES[state]).view, link_to)


@pytest.mark.parametrize("state", STATES)
def test_a_body_is_what_it_was(state):
    assert body_of(state) + b"\n" == (GOLDEN / "gateway" / f"{state}.json").read_bytes()


def skeleton(value):
    """Keys, nesting and order of a body, without its values."""
    return [(key, skeleton(inner)) for key, inner in value.items()] if isinstance(value, dict) else None


def test_a_completed_body_has_the_documents_keys_in_its_order():
    document = json.loads((GOLDEN / "founding" / "completed.json").read_text("utf-8"))
    assert skeleton(json.loads(body_of("completed"))) == skeleton(document)


@pytest.mark.parametrize("state", ["queued", "dreaming"])
def test_an_unfinished_body_has_one_key_more(state):
    document = json.loads((GOLDEN / "founding" / "submitted.json").read_text("utf-8"))
    body = json.loads(body_of(state))
    assert body.pop("msg") == "Image Getting Created"
    assert skeleton(body) == skeleton(document)


def test_the_documents_own_generation_is_written_as_it_stands_there():
    document = json.loads((GOLDEN / "founding" / "submitted.json").read_text("utf-8"))
    body = json.loads(body_of("queued"))
    del body["msg"]
    assert body == document


def test_a_cancelled_generation_shows_as_failed():
    body = json.loads(body_of("cancelled"))
    assert (body["state"], body["failure_reason"]) == ("failed", "The generation was cancelled.")


def test_a_whole_second_still_has_six_decimals():
    assert json.loads(body_of("everything_asked"))["created_at"] == "2024-12-06T15:00:46.000000Z"
