"""The OpenAPI document: valid, frozen, and true."""

import json
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from stillmotion.domain.request import FrameSize
from stillmotion.http.edge.record_fields import RECORD_HEADERS
from tests.builders import NOON, some_assets
from tests.http.resources.test_events import BROKEN

GOLDEN = Path(__file__).parent.parent / "golden" / "openapi.json"


@pytest.fixture(scope="module")
def document(edge):
    answered = edge.ask("GET", "/openapi.json")
    assert answered.headers["content-type"] == "application/json"
    return answered.body


def test_it_is_valid(document):
    OpenAPIV31SpecValidator(document).validate()


def test_it_is_what_it_was(document):
    assert document == json.loads(GOLDEN.read_text("utf-8"))


@pytest.mark.parametrize("operation", ["generateRequestFromImage", "getStatus"])
def test_every_status_of_the_table_is_described_with_its_body(document, operation):
    (found,) = [
        methods["post"]
        for methods in document["paths"].values()
        if methods.get("post", {}).get("operationId") == operation
    ]
    assert {"200", "400", "401", "403", "429", "500", "503"} <= set(found["responses"])
    for status, response in found["responses"].items():
        examples = response["content"]["application/json"]["examples"]
        assert examples, status
        assert "X-Request-Id" in response["headers"]
    assert found["security"] == [{"subscriptionKeyHeader": []}, {"subscriptionKeyQuery": []}, {"sessionCookie": []}]


def test_the_documents_own_example_is_the_example(document):
    submit = document["paths"]["/lumalabs-ai/v1/generateRequestFromImage"]["post"]
    assert submit["requestBody"]["content"]["application/json"]["example"] == {
        "url": "https://storage.googleapis.com/imagesai.appypie.com/testing/00034_00.jpg",
        "prompt": "leaning girl",
    }


def test_an_answer_has_no_key_that_is_not_described(document, caller):
    schema = document["components"]["schemas"]
    answered = caller.submit()
    assert set(answered.body) <= set(schema["Generation"]["properties"])
    assert set(answered.body["request"]) == set(schema["RequestEcho"]["properties"])


def test_every_header_of_a_poll_is_described(document, caller):
    described = document["paths"]["/lumalabs-ai-polling/v1/getStatus"]["post"]["responses"]["200"]["headers"]
    waiting, made, failed = (caller.submit().body["id"] for _ in range(3))
    for each in (made, failed):
        caller.change(each, lambda generation: generation.claimed(NOON, NOON))
    size = FrameSize(1280, 720)
    caller.change(made, lambda each: each.completed(each.lease, some_assets(made), "{}", NOON, size, 7))
    caller.change(failed, lambda each: each.attempt_failed(each.lease, BROKEN, NOON))
    answered = {name for each in (waiting, made, failed) for name in caller.poll(each).headers}
    assert {name.lower() for name in RECORD_HEADERS} <= answered | {"x-stillmotion-eta-seconds"}
    assert {name for name in answered if name.startswith("x-stillmotion")} <= {name.lower() for name in described}
    assert set(described) <= set(document["components"]["headers"])
