"""Models for operators: what all workers hold, wishes to load and unload, pulls."""

import pytest

from stillmotion.domain.models.holdings import Holding
from stillmotion.domain.models.pulls import Pull, PullState
from stillmotion.domain.models.states import ModelStateName
from tests.builders import NOON
from tests.http.surfaces.test_admin import ask


@pytest.fixture
def own(start):
    """An edge of its own, since workers and wishes are everybody's."""
    return start("sqlite")


def listed(edge):
    answered = ask(edge, "GET", "/admin/v1/models")
    assert answered.status == 200, answered.body
    return {each["name"]: each for each in answered.body["models"]}


def test_every_model_is_listed_with_the_wire_names_that_stand_for_it(own):
    shown = listed(own)
    assert list(shown) == ["elsewhere", "parallax"]
    assert shown["parallax"]["models"] == ["ray-1-6", "sora-2", "sora-2-pro"]
    assert shown["parallax"]["served_by"] == ["parallax/1"]
    assert (shown["parallax"]["default"], shown["parallax"]["weights"]) == (True, None)


def test_a_state_is_what_the_workers_tell(own):
    before = listed(own)["parallax"]
    assert before["state"] == "unavailable"
    assert "start one" in before["reason"]
    held = Holding("renderer 0", "parallax/1", ModelStateName.READY)
    own.run(own.store.tell_holdings("worker", [held], own.clock.now()))
    assert (listed(own)["parallax"]["state"], listed(own)["parallax"]["reason"]) == ("ready", None)
    own.clock.advance(seconds=60)
    assert listed(own)["parallax"]["state"] == "unavailable"


@pytest.mark.parametrize("verb", ["load", "unload"])
def test_what_has_no_memory_here_cannot_be_loaded(own, verb):
    answered = ask(own, "POST", f"/admin/v1/models/parallax/{verb}", {})
    assert answered.status == 400
    assert answered.body["details"][0]["field"] == "name"
    assert own.run(own.store.wishes()) == []


@pytest.mark.parametrize("path", ["models/nothing/load", "models/nothing/unload", "models/nothing/pull"])
def test_an_unknown_model_is_not_found(own, path):
    answered = ask(own, "POST", f"/admin/v1/{path}", {})
    assert (answered.status, answered.body["error"]) == (404, "There is no model nothing")


def test_a_pull_is_looked_at_without_a_fault_before_there_is_any(own):
    none = ask(own, "GET", "/admin/v1/models/parallax/pull")
    assert (none.status, none.body["state"]) == (200, "none")


def test_a_pull_is_told_with_its_bytes_and_the_time_left(own):
    begun = Pull("parallax", PullState.PULLING, 100, 1000, 0, NOON, own.clock.advance(seconds=10))
    own.run(own.store.begin_pull(begun))
    assert ask(own, "GET", "/admin/v1/models/parallax/pull").body == {
        "state": "pulling",
        "bytes": 100,
        "total_bytes": 1000,
        "seconds_left": 90.0,
        "error": None,
    }
    stopped = ask(own, "DELETE", "/admin/v1/models/parallax/pull")
    assert (stopped.status, stopped.body["state"]) == (200, "cancelled")


def test_each_act_is_in_the_log(own):
    ask(own, "POST", "/admin/v1/models/parallax/load", {})
    (noted,) = ask(own, "GET", "/admin/v1/actions").body["actions"]
    assert (noted["action"], noted["target"]) == ("loadModel", "parallax")


def test_they_are_for_the_operator_alone(own):
    assert own.ask("GET", "/admin/v1/models").status == 401
    assert own.ask("POST", "/admin/v1/models/parallax/load").status == 401
