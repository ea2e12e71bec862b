"""Our own client, sync and async: models with their abilities, and plans before a submit."""

import pytest

from stillmotion import client
from tests.clients.contract_server import Answer
from tests.clients.our_client import connect, ours, server

__all__ = ["connect", "ours", "server"]
CLIENT, VERSION = "stillmotion (Python)", "of this version"


def test_a_clip_is_planned_before_it_is_asked_for(ours):
    plan = ours.plan_clip("a push in", picture=(1200, 800), seconds=3, camera="orbit_left", model="ray-1-6")
    assert (plan.engine, plan.model, plan.seconds, plan.problems) == ("parallax/1", "ray-1-6", 3.0, [])
    assert plan.size[0] / plan.size[1] == pytest.approx(1.5, rel=0.01)
    assert plan.body["frames"] == 72


def test_all_that_would_be_refused_is_named(ours):
    plan = ours.plan_clip("hi", seconds=99)
    assert [field for field, _ in plan.problems] == ["prompt", "keyframes.frame0", "duration"]
    assert plan.size is None


def test_models_are_offered_with_what_they_can_do(ours):
    offers = {each.name: each for each in ours.model_offers()}
    assert [name for name, each in offers.items() if each.is_default] == ["ray-1-6"]
    assert "loop" in offers["ray-1-6"].native
    assert (offers["ray-2"].engine, offers["ray-2"].state) == ("forward/elsewhere", "ready")


def test_another_servers_answer_is_no_plan(connect, server):
    server.on("POST", "/plan", Answer(200, b"{}"))
    server.on("GET", "/models", Answer(200, b"{}"))
    mistaken = connect(server.base)
    with pytest.raises(client.BadAnswer, match="of this version"):
        mistaken.plan_clip("a push in")
    with pytest.raises(client.BadAnswer, match="of this version"):
        mistaken.model_offers()
