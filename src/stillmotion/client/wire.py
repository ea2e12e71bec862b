"""Wire format of the client: the Dream Machine's dialect and the shared paths, known to this module alone."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final, TypedDict
from urllib.parse import quote

from stillmotion.client.errors import BadAnswer, ServerRefused, refused
from stillmotion.client.generation import Generation, GenerationEvent, Page
from stillmotion.client.steps import HttpReply, HttpRequest

BASE = "/dream-machine/v1/generations"
_DETAIL_KEYS = ("detail", "error", "task_status_msg")
_TOLD_IN_EVENTS = ("state", "progress", "failure_reason", "failure_code", "remedy")
_GONE_UNLESS_TOLD = ("stage", "queue_position", "eta_seconds")
"""Fields that an event leaves out where they have no value any more."""


class Options(TypedDict, total=False):
    """Options of a clip beyond its pictures and prompt. The server chooses for each that is left out.

    `camera` is a concept's key, or several (`client.concepts()` lists them); `callback_url` is told of every change.
    `metadata` is your own: up to 16 names and values.
    """

    loop: bool
    camera: str | Sequence[str]
    aspect_ratio: str
    seconds: float
    resolution: str
    seed: int
    model: str
    codec: str
    callback_url: str
    metadata: Mapping[str, str]


def submit(prompt: str, keyframes: Mapping[str, Any], options: Options, idempotency_key: str) -> HttpRequest:
    """Request that submits a generation. The idempotency key makes a retry safe."""
    return HttpRequest(
        "POST", f"{BASE}/video", {"Idempotency-Key": idempotency_key}, json=asked(prompt, keyframes, options)
    )


def asked(prompt: str | None, keyframes: Mapping[str, Any], options: Options) -> Mapping[str, Any]:
    """Body of a submit, without what is not given."""
    camera = options.get("camera", ())
    seconds = options.get("seconds")
    given: dict[str, Any] = {
        "prompt": prompt or None,
        "keyframes": keyframes or None,
        "duration": None if seconds is None else f"{seconds:g}s",
        "concepts": [{"key": key} for key in ((camera,) if isinstance(camera, str) else camera)] or None,
        **{name: value for name, value in options.items() if name not in ("camera", "seconds")},
    }
    return {name: value for name, value in given.items() if value is not None}


def image_keyframe(address: str) -> Mapping[str, str]:
    """Keyframe of a picture by its address."""
    return {"type": "image", "url": address}


def generation_keyframe(generation_id: str) -> Mapping[str, str]:
    """Keyframe of an earlier clip: its last frame as `frame0`, its first as `frame1`."""
    return {"type": "generation", "id": generation_id}


def get(generation_id: str) -> HttpRequest:
    """Request for one generation."""
    return HttpRequest("GET", f"{BASE}/{quote(generation_id, safe='')}")


def delete(generation_id: str) -> HttpRequest:
    """Request that removes a generation in any state."""
    return HttpRequest("DELETE", f"{BASE}/{quote(generation_id, safe='')}")


def concepts() -> HttpRequest:
    """Request for the camera concepts."""
    return HttpRequest("GET", f"{BASE}/concepts/list")


def models() -> HttpRequest:
    """Request for the models of the key's product."""
    return HttpRequest("GET", "/v1/models")


def model_names(reply: HttpReply) -> list[str]:
    """Values of `model` in a list of models. Raises `BadAnswer`."""
    try:
        return [str(each["id"]) for each in json_object(reply)["data"]]
    except (KeyError, TypeError) as error:
        raise BadAnswer("The answer lists no models: check that the address is a Stillmotion server's.") from error


def plan(generation_id: str) -> HttpRequest:
    """Request for a generation's motion plan."""
    return HttpRequest("GET", f"/generations/{quote(generation_id, safe='')}/plan")


def events(generation_id: str, last_event_id: str) -> HttpRequest:
    """Request for a generation's event stream, resumed after `last_event_id` where there is one."""
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_event_id} if last_event_id else {})
    return HttpRequest("GET", f"/generations/{quote(generation_id, safe='')}/events", headers)


def all_events(last_event_id: str) -> HttpRequest:
    """Request for the stream of all of a key's generations, resumed after `last_event_id` where there is one."""
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_event_id} if last_event_id else {})
    return HttpRequest("GET", "/events", headers)


def upload(name: str, content: bytes, media_type: str) -> HttpRequest:
    """Request that uploads a picture."""
    return HttpRequest("POST", "/uploads", file=(name, content, media_type))


def uploaded_url(reply: HttpReply) -> str:
    """Address of an uploaded picture."""
    return str(json_object(reply)["url"])


def generation(reply: HttpReply) -> Generation:
    """The generation in a response, with the engine from its headers."""
    found = from_body(json_object(reply))
    return replace(found, engine=reply.headers.get("x-stillmotion-engine") or found.engine)


def page(reply: HttpReply) -> Page:
    """The page of generations in a response."""
    body = json_object(reply)
    listed = [from_body(each) for each in body["generations"]]
    return Page(listed, bool(body["has_more"]), body.get("total"), body.get("next"), body.get("previous"))


def names(reply: HttpReply) -> list[str]:
    """A response that is a bare list of strings."""
    body = json.loads(reply.content)
    return [str(each) for each in body]


def plan_of(reply: HttpReply) -> Any:
    """The motion plan in a response; None before the generation has ended."""
    return json_object(reply).get("plan")


def from_body(body: Any) -> Generation:
    """A generation from a JSON body in this dialect or the gateway's, which has fewer fields. Raises `BadAnswer`."""
    try:
        assets = body.get("assets") or {}
        request = body.get("request") or {}
        return Generation(
            id=body["id"],
            state=body["state"],
            model=body["model"],
            prompt=request.get("prompt"),
            created_at=_time(body.get("created_at")),
            failure_reason=body.get("failure_reason"),
            progress=1.0 if body["state"] == "completed" else float(body.get("progress") or 0.0),
            stage=body.get("stage"),
            queue_position=body.get("queue_position"),
            eta_seconds=body.get("eta_seconds"),
            video_url=assets.get("video"),
            image_url=assets.get("image"),
            engine=body.get("engine"),
            preview_url=body.get("preview"),
            started_at=_time(body.get("started_at")),
            finished_at=_time(body.get("finished_at")),
            seed=body.get("seed"),
            width=body.get("width"),
            height=body.get("height"),
            cost=body.get("cost"),
            failure_code=body.get("failure_code"),
            remedy=body.get("remedy"),
            metadata=body.get("metadata") or {},
            retry_of=body.get("retry_of"),
            body=body,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadAnswer("The answer holds no generation: check that the address is a Stillmotion server's.") from error


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def timeline(generation_id: str) -> HttpRequest:
    """Request for a generation's timeline."""
    return HttpRequest("GET", f"/generations/{quote(generation_id, safe='')}/timeline")


def timeline_of(reply: HttpReply) -> list[GenerationEvent]:
    """The events in a response. Raises `BadAnswer`."""
    names = [each.name for each in fields(GenerationEvent)]
    try:
        told_events = [{name: each.get(name) for name in names} for each in json_object(reply)["events"]]
        return [GenerationEvent(**each | {"at": datetime.fromisoformat(each["at"])}) for each in told_events]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadAnswer("The answer holds no timeline: check that the address is a Stillmotion server's.") from error


def told(generation: Generation, event: str) -> Generation:
    """The generation updated with an event's JSON. An event without these fields changes nothing."""
    try:
        body = json.loads(event)
    except ValueError:
        return generation
    if not isinstance(body, dict):
        return generation
    known: dict[str, Any] = {name: body[name] for name in _TOLD_IN_EVENTS if body.get(name) is not None}
    known |= {name: body.get(name) for name in _GONE_UNLESS_TOLD}
    return replace(generation, preview_url=body.get("preview"), **known)


_NO_SUCH_PATH: Final = ("Not Found", "Endpoint not found", "The server answered 404")
"""Sentences of a server, and of one that is no Stillmotion, for a path that it does not have."""


def told_of(event: str) -> Generation | None:
    """The generation that an event of the stream of all is about; None for a deleted one. Raises `BadAnswer`."""
    try:
        body = json.loads(event)
    except ValueError:
        return None
    if "state" not in body:
        return None
    return replace(from_body(body), preview_url=body.get("preview"))


def refusal(reply: HttpReply) -> ServerRefused:
    """The error for a status of 400 and up, with the server's own sentence in any dialect."""
    try:
        body = json.loads(reply.content)
    except ValueError:
        body = None
    sentence = _sentence(body) or f"The server answered {reply.status}"
    if reply.status == HTTPStatus.NOT_FOUND and sentence in _NO_SUCH_PATH:
        sentence = f"{sentence}: give the address at which Stillmotion begins, without /v1 or /dream-machine/v1"
    reason = reply.headers.get("x-stillmotion-reason") or _reason(body)
    return refused(sentence, reply.status, reply.headers.get("x-request-id", ""), retry_after(reply), reason)


def retry_after(reply: HttpReply) -> float | None:
    """Seconds of the `Retry-After` header; None without one."""
    try:
        return max(0.0, float(reply.headers["retry-after"]))
    except (KeyError, ValueError):
        return None


def _reason(body: Any) -> str:
    """Reason code of an error body, at its top or in its `error`."""
    if not isinstance(body, dict):
        return ""
    inner = body.get("error")
    code = (inner if isinstance(inner, dict) else body).get("code")
    return code if isinstance(code, str) else ""


def _sentence(body: Any) -> str:
    if not isinstance(body, dict):
        return ""
    if isinstance(body.get("error"), dict):
        return str(body["error"].get("message") or "")
    said = next((body[key] for key in _DETAIL_KEYS if isinstance(body.get(key), str)), "")
    details = [each for each in body.get("details") or () if isinstance(each, dict)]
    fields = "; ".join(f"{each.get('field')} {each.get('message')}" for each in details)
    return f"{said}: {fields}" if fields else said


def json_object(reply: HttpReply) -> Mapping[str, Any]:
    """The JSON object in a response. Raises `BadAnswer`."""
    try:
        body = json.loads(reply.content)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise BadAnswer("The answer is not JSON: check that the address is a Stillmotion server's.")
    return body
