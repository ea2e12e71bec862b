"""The engine's plan of a generation, shown to the owner only."""

import pytest

from stillmotion.adapters.identifiers import new_uuid7


def plan_of(caller, task_id, method="GET", **headers):
    given = {"Ocp-Apim-Subscription-Key": caller.issued.primary} | headers
    return caller.edge.ask(method, f"/generations/{task_id}/plan", headers=given)


def test_the_owner_sees_the_plan_once_it_is_known(caller):
    task_id = caller.submit().body["id"]
    before = plan_of(caller, task_id)
    assert (before.status, before.body["plan"], before.body["state"]) == (200, None, "queued")
    caller.complete(task_id)
    after = plan_of(caller, task_id)
    assert after.body == {"id": task_id, "state": "completed", "engine": "parallax/1", "plan": {}}
    assert after.headers["x-stillmotion-engine"] == "parallax/1"
    assert int(after.headers["ratelimit-remaining"]) < int(after.headers["ratelimit-limit"])


def test_anothers_plan_is_the_same_as_none(caller, edge):
    task_id = caller.submit().body["id"]
    foreign = plan_of(edge.caller(), task_id)
    missing = plan_of(caller, new_uuid7())
    assert foreign.status == missing.status == 404
    assert foreign.content == missing.content == b'{"task_status":"failed","task_status_msg":"task not found"}'


def test_without_a_key_there_is_nothing_to_see(caller, edge):
    task_id = caller.submit().body["id"]
    assert edge.ask("GET", f"/generations/{task_id}/plan").status == 401


@pytest.mark.parametrize("path", ["/generations/", "/generations/x", "/generations/a/b/plan", "/generations//plan/"])
def test_other_paths_beside_it_are_not_there(caller, path):
    answered = caller.edge.ask("GET", path, headers={"Ocp-Apim-Subscription-Key": caller.issued.primary})
    assert (answered.status, answered.body) == (404, {"error": "Endpoint not found"})


def test_it_is_only_read(caller):
    task_id = caller.submit().body["id"]
    assert plan_of(caller, task_id, method="DELETE").body == {"error": "Endpoint not found"}
