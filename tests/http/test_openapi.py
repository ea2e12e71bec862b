"""The OpenAPI document: valid, frozen, and true."""

import json
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

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
