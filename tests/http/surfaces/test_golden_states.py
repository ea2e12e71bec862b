"""Completeness of frozen bodies: every state on every surface, and in the events that all surfaces share."""

import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from stillmotion.domain.lifecycle import State
from stillmotion.http.app import dialects
from stillmotion.http.resources.events import happening, position
from tests.builders import a_generation, some_assets

GOLDEN = Path(__file__).parents[2] / "golden"
FOLDERS = {"gateway": "gateway", "dream-machine": "dreammachine", "openai": "openai"}
ID = "f25c04db-19f7-4b51-871c-af6ed0b32f55"
AT = datetime(2024, 12, 6, 15, 0, 46, 232527, UTC)

EVENTS = {
    State.QUEUED: {},
    State.DREAMING: {"attempt": 1, "progress": 0.51234, "preview": f"generations/{ID}/p.jpg"},
    State.COMPLETED: {"attempt": 1, "assets": some_assets(ID), "progress": 1.0},
    State.FAILED: {"attempt": 2, "failure_reason": "The renderer crashed.", "failure_code": "renderer_crashed"},
    State.CANCELLED: {},
}


def test_every_surface_that_shows_generations_has_a_golden_body_of_every_state(edge):
    surfaces = dialects(edge.services.asset_urls, "https://video.example")
    assert set(surfaces) == set(FOLDERS)
    kept = {name: {path.stem for path in (GOLDEN / folder).glob("*.json")} for name, folder in FOLDERS.items()}
    assert {name: {*State} - there for name, there in kept.items()} == {name: set() for name in FOLDERS}


@pytest.mark.parametrize("state", State)
def test_an_event_is_what_it_was(state):
    generation = a_generation(**{"id": ID, "created_at": AT, "state": state} | EVENTS[state])
    told = happening(generation.view, lambda key: f"https://video.example/assets/{key}?expires=1&signature=s")
    event = {"id": position(generation), "data": json.loads(msgspec.json.encode(told))}
    assert json.dumps(event) + "\n" == (GOLDEN / "events" / f"{state}.json").read_text("utf-8")
