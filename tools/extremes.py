"""Values at the ends of their types, in each parameter and each field of each body that an OpenAPI document names.

A database's types end elsewhere than JSON's: bigint at 2**63, text before NUL.
"""

import http.client
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

Json = Any
_PLACEHOLDER: Final = re.compile(r"\{[^}]+\}")
_METHODS: Final = ("get", "post", "put", "patch", "delete")
_REVOKES: Final = re.compile("^/account/keys|/keys/")
"""Paths that would revoke the keys that the requests are made with."""

TEXTS: Final = (
    *("", "x", "\0", "a\0b", "x" * 70_000, "\u202e\ud7ff\U0001f600", "'; DROP TABLE x;--", "%s %(a)s {} $1 \\ \\x41"),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "99999-01-01", "2026-13-01", "-1", "NaN", "1e400", str(2**64)),
)
NUMBERS: Final = (2**31, 2**63 - 1, 2**63, 2**64, -(2**63), -(2**63) - 1, 10**30, 0, -1, 1.5, 1e308, -1e308, 1e-320)
_NESTED: Final = ({"a": {"b": {"c": 1}}}, {"a": None}, {"\0": 1})
OTHERS: Final[tuple[Json, ...]] = (None, True, [], {}, ["x"] * 500, [None], ["x", 2**70], *_NESTED)


def server_errors(host: str, port: int, keys: Mapping[str, str], known_id: str) -> Iterator[str]:
    """Requests that are answered with a 5xx other than 503, or not at all. `keys` are given by their paths' beginning.

    `known_id` stands for the parameters of paths that are not tried themselves.
    """
    connection = http.client.HTTPConnection(host, port, timeout=60)
    connection.request("GET", "/openapi.json")
    document = json.loads(connection.getresponse().read())
    for method, path, body in _requests(document, known_id):
        key = next(key for beginning, key in keys.items() if path.startswith(beginning))
        headers = {"Authorization": f"Bearer {key}", "Ocp-Apim-Subscription-Key": key}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method.upper(), path, body=body, headers=headers)
            answer = connection.getresponse()
            answer.read()
        except (http.client.HTTPException, OSError) as error:
            connection.close()
            yield f"{method} {path[:200]} {(body or '')[:200]}: {error!r}"
        else:
            if answer.status >= 500 and answer.status != http.client.SERVICE_UNAVAILABLE:
                yield f"{method} {path[:200]} {(body or '')[:200]}: {answer.status}"


def _requests(document: Json, known_id: str) -> Iterator[tuple[str, str, str | None]]:
    """Method, path with its query, and body."""
    for path, described in document["paths"].items():
        if _REVOKES.search(path):
            continue
        usual = _PLACEHOLDER.sub(known_id, path)
        for method in filter(described.__contains__, _METHODS):
            operation = described[method]
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            empty = None if content is None else "{}"
            if "{" in path:
                for text in (*TEXTS, f"{known_id}\0"):
                    yield method, quote(text[:300], safe="").join(_PLACEHOLDER.split(path)), empty
            for parameter in (*described.get("parameters", ()), *operation.get("parameters", ())):
                if parameter.get("in") == "query":
                    for value in (*TEXTS, *map(str, NUMBERS)):
                        yield method, f"{usual}?{parameter['name']}={quote(value[:300], safe='')}", empty
            if content is not None:
                for body in _bodies(document, content):
                    yield method, usual, json.dumps(body)


def _bodies(document: Json, content: Json) -> Iterator[Json]:
    """The example, with each field replaced by each value."""
    examples: Json = content.get("examples", {}).values()
    example: Json = content.get("example") or next((each["value"] for each in examples), {})
    schema = _resolved(document, content["schema"])
    fields = dict(schema.get("properties", {}))
    for alternative in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        fields |= _resolved(document, alternative).get("properties", {})
    for name in fields:
        for value in (*TEXTS, *NUMBERS, *OTHERS):
            yield {**example, name: value}


def _resolved(document: Json, schema: Json) -> Json:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema
