"""`/v1/models`: the wire names of the caller's product, in the form of OpenAI's clients."""

import openai
import pytest
from openai import OpenAI

from tests.http.conftest import models
from tests.http.surfaces.test_clear_meaning import bearer

CLIENT, VERSION = "openai (Python)", openai.__version__


def test_a_client_lists_the_models_and_looks_at_one(caller):
    with OpenAI(base_url=f"{caller.edge.server.url}/v1", api_key=caller.issued.primary, max_retries=0) as client:
        listed = client.models.list().data
        assert [each.id for each in listed] == list(models().models)
        assert {(each.object, each.owned_by) for each in listed} == {("model", "stillmotion")}
        assert {each.created for each in listed} == {int(caller.edge.clock.now().timestamp())}
        assert client.models.retrieve("sora-2") == listed[1]
        with pytest.raises(openai.NotFoundError) as refused:
            client.models.retrieve("sora-9")
    assert refused.value.body == {
        "message": "The model 'sora-9' does not exist or you do not have access to it.",
        "type": "invalid_request_error",
        "param": "model",
        "code": "model_not_found",
    }


def test_the_list_is_in_openais_form_with_what_really_renders(caller):
    body = bearer(caller, "GET", "/v1/models").body
    assert list(body) == ["object", "data"]
    assert body["object"] == "list"
    assert list(body["data"][0]) == ["id", "object", "created", "owned_by", "engine"]
    assert {each["id"]: each["engine"] for each in body["data"]} == {
        "ray-1-6": "parallax/1",
        "sora-2": "parallax/1",
        "sora-2-pro": "parallax/1",
        "ray-2": "forward/elsewhere",
    }


def test_a_product_shows_what_it_includes_alone(edge):
    caller = edge.caller(models=frozenset({"sora-2", "gone-1"}))
    assert [each["id"] for each in bearer(caller, "GET", "/v1/models").body["data"]] == ["sora-2"]
    assert bearer(caller, "GET", "/v1/models/sora-2").status == 200
    hidden, unknown = (bearer(caller, "GET", f"/v1/models/{each}") for each in ("ray-2", "ray-9"))
    assert (hidden.status, unknown.status) == (404, 404)
    assert hidden.content.replace(b"ray-2", b"ray-9") == unknown.content


@pytest.mark.parametrize("name", ["%FF%FE", "%00", "a" * 5000, "%F0%9F%8E%AC", "'"])
def test_any_name_is_answered_as_a_model_that_is_not_there(caller, name):
    answered = bearer(caller, "GET", f"/v1/models/{name}")
    assert (answered.status, answered.body["error"]["code"]) == (404, "model_not_found")
    assert len(answered.content) < 1000


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/sora-2"])
def test_models_are_shown_to_callers_alone(edge, path):
    assert edge.ask("GET", path).status == 401
    without = edge.caller(surfaces=frozenset({"gateway"}))
    assert bearer(without, "GET", path).status == 403
    assert bearer(edge.caller(), "POST", path).status == 405
