"""The bill of materials: complete, true of the installation, and readable by other programs."""

import json
from importlib.metadata import version
from importlib.resources import files
from urllib.parse import urljoin

import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource

from tools import sbom


@pytest.fixture(scope="module")
def bill():
    return json.loads(sbom.bill())


def schema(name):
    return json.loads((files("cyclonedx.schema") / "_res" / f"{name}.SNAPSHOT.schema.json").read_text("utf-8"))


def test_it_is_what_cyclonedx_says(bill):
    whole = schema("bom-1.6")
    parts = {urljoin(whole["$id"], f"{name}.SNAPSHOT.schema.json"): schema(name) for name in ("spdx", "jsf-0.82")}
    registry = Registry().with_resources([(place, Resource.from_contents(part)) for place, part in parts.items()])
    validator = Draft7Validator(whole, registry=registry)
    assert [error.message for error in validator.iter_errors(bill)] == []
    assert list(validator.iter_errors({**bill, "components": [{"type": "poem"}]}))


def test_it_lists_what_an_install_brings_and_no_tool_of_ours(bill):
    listed = {each["name"]: each["version"] for each in bill["components"]}
    assert listed.keys() >= {"aiohttp", "yarl", "multidict", "numpy", "pillow"}
    assert listed.keys() & {"pytest", "mypy", "mcp", "onnxruntime", "torch", "stillmotion"} == set()
    assert listed == {name: version(name) for name in listed}
    assert bill["metadata"]["component"]["version"] == version("stillmotion")


def test_it_says_who_needs_whom(bill):
    needs = {each["ref"].partition("@")[0]: each.get("dependsOn", []) for each in bill["dependencies"]}
    assert {each.partition("@")[0] for each in needs["yarl"]} >= {"idna", "multidict"}
    assert {each.partition("@")[0] for each in needs["stillmotion"]} >= {"aiohttp", "apsw"}


def test_every_library_says_its_licence(bill):
    assert [each["name"] for each in bill["components"] if not each.get("licenses")] == []
