"""OpenAPI paths outside of any surface, described by hand: downloads and health."""

from collections.abc import Mapping, Sequence
from typing import Any

Json = Mapping[str, Any]

_SIGNED: Sequence[Json] = [
    {"name": "key", "in": "path", "required": True, "description": "The object's name.", "schema": {"type": "string"}},
    {"name": "expires", "in": "query", "required": True, "schema": {"type": "integer"}},
    {"name": "signature", "in": "query", "required": True, "schema": {"type": "string"}},
    {"name": "Range", "in": "header", "required": False, "schema": {"type": "string"}, "example": "bytes=0-1023"},
]
_REQUEST_ID: Mapping[str, Any] = {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}
_SENTENCE: Mapping[str, Any] = {
    "application/json": {"schema": {"type": "object", "properties": {"error": {"type": "string"}}}}
}
_BYTES: Mapping[str, Any] = {
    kind: {"schema": {"type": "string", "format": "binary"}} for kind in ("video/mp4", "image/jpeg")
}


def _answer(description: str, content: Json | None = None) -> Json:
    answer = {"description": description, "headers": _REQUEST_ID}
    return answer if content is None else {**answer, "content": content}


def _json(example: Json) -> Json:
    return {"application/json": {"schema": {"type": "object"}, "example": example}}


def _asset(operation_id: str, summary: str, *, with_body: bool) -> Json:
    return {
        "operationId": operation_id,
        "tags": ["assets"],
        "summary": summary,
        "description": "The address comes with a completed generation. It needs no key, and expires.",
        "parameters": _SIGNED,
        "security": [],
        "responses": {
            "200": _answer("The whole file.", _BYTES if with_body else None),
            **({"206": _answer("The one range that was asked for.", _BYTES)} if with_body else {}),
            "304": _answer("The caller has it already."),
            "404": _answer("No such file, or the address is wrong or has expired.", _SENTENCE if with_body else None),
            **({"416": _answer("The range holds none of the file's bytes.", _SENTENCE)} if with_body else {}),
        },
    }


def _probe(operation_id: str, summary: str, responses: Json) -> Json:
    about = {"operationId": operation_id, "tags": ["health"], "summary": summary, "security": []}
    return {"get": {**about, "responses": responses}}


_PAGE: Mapping[str, Any] = {"text/html": {"schema": {"type": "string"}}}

_SHARED: Mapping[str, Any] = {
    "operationId": "watchShared",
    "tags": ["assets"],
    "summary": "Watch a shared clip",
    "description": "A page with the clip. With `.mp4` behind the token it is the video, with `.jpg` its thumbnail.",
    "parameters": [
        {
            "name": "token",
            "in": "path",
            "required": True,
            "description": "The secret part of the link's address.",
            "schema": {"type": "string"},
        }
    ],
    "security": [],
    "responses": {
        "200": _answer("The page, or the whole file.", {**_PAGE, **_BYTES}),
        "206": _answer("The one range of a file that was asked for.", _BYTES),
        "304": _answer("The caller has the file already."),
        "404": _answer("No such link, or it was taken back.", _PAGE),
        "410": _answer("The link has expired.", _PAGE),
        "416": _answer("The range holds none of the file's bytes.", _SENTENCE),
    },
}

PATHS: Mapping[str, Json] = {
    "/shared/{token}": {"get": _SHARED},
    "/assets/{key}": {
        "get": _asset("getAsset", "Download a video, a thumbnail or a picture", with_body=True),
        "head": _asset("headAsset", "Ask how large a file is", with_body=False),
    },
    "/healthz": _probe("healthz", "Whether the process answers", {"200": _answer("It does.", _json({"status": "ok"}))}),
    "/readyz": _probe(
        "readyz",
        "Whether the store, the storage and a worker are there",
        {
            "200": _answer(
                "They are. `in_trouble` names other servers whose work is done elsewhere just now. Where the service "
                "runs on several machines, it names storage and workers too, and only the store must be there.",
                _json({"status": "ready"}),
            ),
            "503": _answer(
                "Something is missing.",
                _json({"status": "not ready", "missing": {"worker": "no renderer is running"}}),
            ),
        },
    ),
    "/metrics": _probe(
        "metrics",
        "What Prometheus reads",
        {"200": _answer("The text exposition.", {"text/plain": {"schema": {"type": "string"}}})},
    ),
}
