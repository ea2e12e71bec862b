"""The reference of HTTP: the OpenAPI document, read out."""

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from stillmotion.http.app import ALL_SURFACES
from stillmotion.http.openapi import document as openapi
from stillmotion.http.openapi.static_paths import PATHS
from tools.docs.markdown import code, literal, table

Json = Mapping[str, Any]


def document() -> Json:
    """The document that a running server answers with at `/openapi.json`."""
    return openapi.document(ALL_SURFACES, PATHS, version("stillmotion"))


def paths() -> str:
    """Every path, its method and its purpose."""
    rows = [(literal(path), method.upper(), each["summary"]) for path, method, each in _operations()]
    return table(("Path", "Method", "What it does"), rows)


def headers() -> str:
    """The headers that answers may have."""
    listed = document()["components"]["headers"]
    return table(("Header", "What it says"), [(literal(name), each["description"]) for name, each in listed.items()])


def operations() -> str:
    """Each operation with its fields, its example and every answer."""
    return "\n".join(_described(path, method, each) for path, method, each in _operations())


def _operations() -> Iterator[tuple[str, str, Json]]:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _described(path: str, method: str, operation: Json) -> str:
    about = f"{operation['summary']}. {operation.get('description', '')}".strip()
    parts = [f"### {method.upper()} `{path}`\n", f"{about}\n"]
    if operation.get("parameters"):
        parts.append(_parameters(operation["parameters"]))
    parts += _body(operation.get("requestBody", {}))
    parts.append(_answers(operation["responses"]))
    for name, example in _examples(_json_of(_succeeding(operation))):
        parts += [f"{name.capitalize()}:\n", _shown(example)] if name else [_shown(example)]
    return "\n".join(parts)


def _body(request: Json) -> list[str]:
    """The fields of a body, those of JSON first, and its example."""
    parts = []
    body = _json_of(request)
    if body:
        parts.append(_fields(_resolved(body["schema"])))
        parts += [_shown(example) for _, example in _examples(body)]
    form = request.get("content", {}).get("multipart/form-data")
    if form:
        fields = form["schema"]["allOf"][-1] if "allOf" in form["schema"] else form["schema"]
        parts += ["As a form (`multipart/form-data`)" + (", also:\n" if body else ":\n"), _fields(fields)]
    return parts


def _succeeding(operation: Json) -> Json:
    """The first answer that is no refusal."""
    found: Json = next(each for status, each in operation["responses"].items() if int(status) < 300)
    return found


def _parameters(parameters: Sequence[Json]) -> str:
    rows = [
        (literal(each["name"]), each["in"], "yes" if each["required"] else "", each.get("description", ""))
        for each in parameters
    ]
    return table(("Parameter", "In the", "Required", "The value"), rows)


def _fields(schema: Json) -> str:
    required = set(schema.get("required", ()))
    rows = [
        (literal(name), "yes" if name in required else "", each.get("description") or _resolved(each)["description"])
        for name, each in schema.get("properties", {}).items()
    ]
    return table(("Field", "Required", "The value"), rows)


def _answers(responses: Json) -> str:
    return table(("Status", "When", "Body"), [_answer(status, each) for status, each in responses.items()])


def _answer(status: str, answer: Json) -> tuple[str, str, str]:
    """A refusal with its bodies; what succeeds is shown below the table."""
    shown = _examples(_json_of(answer)) if int(status) >= 400 else []
    bodies = dict.fromkeys(literal(json.dumps(each, ensure_ascii=False)) for _, each in shown)
    return status, answer["description"], "<br>".join(bodies)


def _json_of(message: Json) -> Json:
    content: Json = message.get("content", {}).get("application/json", {})
    return content


def _examples(content: Json) -> list[tuple[str, Any]]:
    """Examples by name; one without a name has an empty one."""
    if "example" in content:
        return [("", content["example"])]
    return [(name, each["value"]) for name, each in content.get("examples", {}).items()]


def _shown(example: Any) -> str:
    return code(json.dumps(example, indent=4, ensure_ascii=False), "json")


def _resolved(schema: Json) -> Json:
    """The target of a `$ref`."""
    if "$ref" not in schema:
        return schema
    found: Any = document()
    for step in schema["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return found if isinstance(found, Mapping) else schema
