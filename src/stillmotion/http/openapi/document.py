"""The OpenAPI 3.1 document, made from the same operations that answer."""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from inspect import cleandoc
from itertools import groupby
from typing import Any

import msgspec

from stillmotion.domain.errors import SessionRefused, TurnedAway
from stillmotion.http.edge.operation import Operation, Surface
from stillmotion.http.edge.record_fields import RECORD_HEADERS
from stillmotion.http.edge.refusals import RefusalRule, Refusals
from stillmotion.http.edge.visits import SESSION_SCHEME

Json = dict[str, Any]

_TEMPLATE = "#/components/schemas/{name}"
_DESCRIPTION = (
    "A picture and a sentence in, a video out. Submit, then poll until the state is `completed` or `failed`; "
    "the addresses in `assets` need no key and work in a `<video>` tag. `X-Stillmotion-Engine` says what really "
    "renders a generation, whatever the wire model is called."
)

_HEADERS: Mapping[str, Mapping[str, Any]] = {
    "X-Request-Id": {"description": "Names this request in the log.", "schema": {"type": "string"}},
    "RateLimit-Limit": {"description": "Requests a minute.", "schema": {"type": "integer"}},
    "RateLimit-Remaining": {"description": "Requests left in this minute.", "schema": {"type": "integer"}},
    "RateLimit-Reset": {"description": "Seconds until all are there again.", "schema": {"type": "integer"}},
    "X-Stillmotion-Engine": {"description": "What renders it, e.g. `parallax/1`.", "schema": {"type": "string"}},
    "X-Stillmotion-Progress": {"description": "How far it is, 0.00 to 1.00.", "schema": {"type": "string"}},
    **RECORD_HEADERS,
    "Retry-After": {"description": "Whole seconds to wait.", "schema": {"type": "integer"}},
    "X-Stillmotion-Reason": {"description": "A code for why the caller was turned away.", "schema": {"type": "string"}},
    "WWW-Authenticate": {"description": "How to send the key.", "schema": {"type": "string"}},
}
_ON_EVERY_ANSWER = ("X-Request-Id",)
_LIMITS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
_ENGINE = ("X-Stillmotion-Engine", "X-Stillmotion-Progress")
_BINARY: Mapping[str, Any] = {"type": "string", "contentMediaType": "application/octet-stream"}
_NAME_PARAMETER: Mapping[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Names this submit: the same key and body give the first generation again for a day.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
_RETRY_PARAMETER: Mapping[str, Any] = {
    "name": "X-Stainless-Retry-Count",
    "in": "header",
    "required": False,
    "description": "Sent by the SDKs. From 1 on, and without an Idempotency-Key, the submit of the last two minutes "
    "with the same body is given again, if there is one. What is no number is passed over.",
    "schema": {"type": "string"},
}


def document(
    surfaces: Sequence[Surface], paths: Mapping[str, Mapping[str, Any]], version: str, public_url: str = ""
) -> Json:
    """The OpenAPI document: the operations of all surfaces, and `paths` that are described by hand.

    The server's address is relative to the document's, which holds under any path prefix; `public_url` is listed too.
    """
    operations = [(surface, operation) for surface in surfaces for operation in surface.operations]
    types = _types(operations)
    refs, schemas = msgspec.json.schema_components(types, ref_template=_TEMPLATE)
    schema_of = dict(zip(types, refs, strict=True))
    schemas = {name: _tidied(schema) for name, schema in schemas.items()}
    described: dict[str, Json] = {}
    for surface, operation in operations:
        described.setdefault(operation.path, {})[operation.method.lower()] = _operation(surface, operation, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Stillmotion",
            "version": version,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "./"}, *([{"url": public_url.rstrip("/")}] if public_url else ())],
        "paths": {**described, **paths},
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "headers": dict(_HEADERS),
            "securitySchemes": {
                name: dict(scheme)
                for schemes in (*(surface.security_schemes for surface in surfaces), SESSION_SCHEME)
                for name, scheme in schemes.items()
            },
        },
    }


def _tidied(schema: Json) -> Json:
    """A struct's schema without its docstring's indentation, which Python strips itself from 3.13 on."""
    return {**schema, "description": cleandoc(schema["description"])} if "description" in schema else schema


def _types(operations: Iterable[tuple[Surface, Operation[Any, Any]]]) -> list[Any]:
    found: dict[Any, None] = {}
    for surface, operation in operations:
        taken = (operation.wire,) if operation.takes_body else ()
        given = () if operation.answer is None else (operation.answer,)
        for kind in (*taken, *given, *(type(row.body) for row in _rows(surface.problems, operation))):
            found.setdefault(kind)
    return list(found)


def _rows(problems: Refusals, operation: Operation[Any, Any]) -> list[RefusalRule]:
    kinds = dict.fromkeys((*operation.refusals, *((SessionRefused,) if operation.changes else ())))
    return sorted((problems.row(kind) for kind in kinds), key=lambda row: row.status)


def _operation(surface: Surface, operation: Operation[Any, Any], schema_of: Mapping[Any, Json]) -> Json:
    about: Json = {
        "operationId": operation.operation_id,
        "tags": [surface.name],
        "summary": operation.summary,
        "description": operation.description,
        "security": [{name: []} for name in (*surface.security_schemes, *SESSION_SCHEME)]
        if surface.security_schemes
        else [],
    }
    parameters = [*_path_parameters(operation), *_submit_parameters(surface, operation)]
    if operation.takes_body:
        about["requestBody"] = {
            "required": operation.is_form or bool(msgspec.structs.fields(operation.wire)),
            "content": _body(operation, schema_of[operation.wire]),
        }
    else:
        parameters += _query_parameters(operation)
    if parameters:
        about["parameters"] = parameters
    limits = _LIMITS if surface.admit is None else ()
    about["responses"] = {str(operation.status): _success(operation, schema_of, limits)}
    if operation.if_empty:
        engine = _ENGINE if operation.shows_engine else ()
        headers = _header_refs(*_ON_EVERY_ANSWER, *limits, *engine)
        about["responses"]["204"] = {"description": operation.if_empty, "headers": headers}
    about["responses"] |= {
        str(status): _refusal(status, list(rows), schema_of, limits)
        for status, rows in groupby(_rows(surface.problems, operation), key=lambda row: row.status)
    }
    return about


def _body(operation: Operation[Any, Any], schema: Json) -> Json:
    content: Json = {}
    if not operation.is_form:
        content["application/json"] = {"schema": schema, "example": dict(operation.example)}
    if operation.files:
        files = {name: {"description": about, **_BINARY} for name, about in operation.files.items()}
        form = {"type": "object", "properties": files}
        whole = {**form, "required": list(files)} if operation.is_form else {"allOf": [schema, form]}
        content["multipart/form-data"] = {"schema": whole}
    return content


def _path_parameters(operation: Operation[Any, Any]) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "description": description, "schema": {"type": "string"}}
        for name, description in operation.parameters.items()
    ]


def _submit_parameters(surface: Surface, operation: Operation[Any, Any]) -> list[Json]:
    if not operation.submits:
        return []
    return [dict(_NAME_PARAMETER), *([dict(_RETRY_PARAMETER)] if surface.blind_retries else [])]


def _query_parameters(operation: Operation[Any, Any]) -> list[Json]:
    schema = msgspec.json.schema(operation.wire)
    (described,) = schema["$defs"].values()
    return [
        {"name": name, "in": "query", "required": name in described.get("required", ()), "schema": each}
        if each.get("type") != "object"
        else {"name": f"{name}.<name>", "in": "query", "required": False, "schema": _of_value(each)}
        for name, each in described["properties"].items()
    ]


def _of_value(mapping: Json) -> Json:
    """Schema of one value of a mapping, with the mapping's description."""
    return {**mapping["additionalProperties"], "description": mapping["description"]}


def _success(operation: Operation[Any, Any], schema_of: Mapping[Any, Json], limits: Sequence[str]) -> Json:
    examples = {name: {"value": msgspec.to_builtins(answer)} for name, answer in operation.answers.items()}
    engine = _ENGINE if operation.shows_engine else ()
    record = RECORD_HEADERS if operation.shows_record else ()
    headers = _header_refs(*_ON_EVERY_ANSWER, *limits, *engine, *record)
    about: Json = {"description": operation.answered, "headers": headers}
    if operation.answer is not None:
        shown = {"example": examples[""]["value"]} if set(examples) == {""} else {"examples": examples}
        about["content"] = {"application/json": {"schema": schema_of[operation.answer], **shown}}
    if operation.media_types:
        # A stream of events is no single string: its shape is told in words.
        about["content"] = about.get("content", {}) | {
            each: {} if each == "text/event-stream" else {"schema": {"type": "string"}}
            for each in operation.media_types
        }
    return about


def _refusal(status: int, rows: Sequence[RefusalRule], schema_of: Mapping[Any, Json], limits: Sequence[str]) -> Json:
    """Response of one status, which several kinds of error may share."""
    schemas = list({schema_of[type(row.body)]["$ref"]: schema_of[type(row.body)] for row in rows}.values())
    examples = {
        row.kind.__name__: {"summary": f"When {row.when}", "value": msgspec.to_builtins(row.body)} for row in rows
    }
    headers = list(_ON_EVERY_ANSWER)
    if status == HTTPStatus.UNAUTHORIZED:
        headers.append("WWW-Authenticate")
    else:
        headers += limits
    if any(row.retry_after for row in rows):
        headers.append("Retry-After")
    if any(issubclass(row.kind, TurnedAway) for row in rows):
        headers.append("X-Stillmotion-Reason")
    return {
        "description": f"When {'; or '.join(row.when for row in rows)}.",
        "headers": _header_refs(*headers),
        "content": {
            "application/json": {
                "schema": schemas[0] if len(schemas) == 1 else {"oneOf": schemas},
                "examples": examples,
            }
        },
    }


def _header_refs(*names: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
