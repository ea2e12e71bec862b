"""The dialect that the client speaks, and the only module that knows it: the Dream Machine's, and the shared paths."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypedDict
from urllib.parse import quote

from stillmotion.client.errors import BadAnswer, ServerRefused, refused
from stillmotion.client.generation import Generation, Page
from stillmotion.client.steps import HttpReply, HttpRequest

_BASE = "/dream-machine/v1/generations"
_DETAIL_KEYS = ("detail", "error", "task_status_msg")
_TOLD_IN_EVENTS = ("state", "progress", "stage", "queue_position", "eta_seconds", "failure_reason")


class Options(TypedDict, total=False):
    """What may be asked of a clip beyond its picture and prompt. What is left out is the server's choice.

    `camera` is a concept's key, or several (`client.concepts()` lists them); `callback_url` is told of every change.
    """

    loop: bool
    camera: str | Sequence[str]
    aspect_ratio: str
    seconds: float
    resolution: str
    seed: int
    model: str
    callback_url: str


def submit(prompt: str, keyframes: Mapping[str, Any], options: Options, idempotency_key: str) -> HttpRequest:
    """Ask for a clip. The key makes it safe to ask again."""
    camera = options.get("camera", ())
    seconds = options.get("seconds")
    asked: dict[str, Any] = {
        "prompt": prompt or None,
        "keyframes": keyframes,
        "duration": None if seconds is None else f"{seconds:g}s",
        "concepts": [{"key": key} for key in ((camera,) if isinstance(camera, str) else camera)] or None,
        **{name: value for name, value in options.items() if name not in ("camera", "seconds")},
    }
    body = {name: value for name, value in asked.items() if value is not None}
    return HttpRequest("POST", f"{_BASE}/video", {"Idempotency-Key": idempotency_key}, json=body)


def image_keyframe(address: str) -> Mapping[str, str]:
    """A picture by its address."""
    return {"type": "image", "url": address}


def generation_keyframe(generation_id: str) -> Mapping[str, str]:
    """An earlier clip's last frame, or its first."""
    return {"type": "generation", "id": generation_id}


def get(generation_id: str) -> HttpRequest:
    """Look at a generation."""
    return HttpRequest("GET", f"{_BASE}/{quote(generation_id, safe='')}")


def delete(generation_id: str) -> HttpRequest:
    """Remove a generation, whatever has become of it."""
    return HttpRequest("DELETE", f"{_BASE}/{quote(generation_id, safe='')}")


def list_(limit: int, offset: int) -> HttpRequest:
    """A part of the list."""
    return HttpRequest("GET", f"{_BASE}?limit={limit}&offset={offset}")


def concepts() -> HttpRequest:
    """The camera concepts."""
    return HttpRequest("GET", f"{_BASE}/concepts/list")


def models() -> HttpRequest:
    """The models of the key's product."""
    return HttpRequest("GET", "/v1/models")


def model_names(reply: HttpReply) -> list[str]:
    """What may be asked for as `model`. Raises `BadAnswer`."""
    try:
        return [str(each["id"]) for each in _object(reply)["data"]]
    except (KeyError, TypeError) as error:
        raise BadAnswer("The answer lists no models: check that the address is a Stillmotion server's.") from error


def plan(generation_id: str) -> HttpRequest:
    """What the engine made of the words."""
    return HttpRequest("GET", f"/generations/{quote(generation_id, safe='')}/plan")


def events(generation_id: str, last_event_id: str) -> HttpRequest:
    """Everything that becomes of a generation, as it happens; after the event of that id, where there is one."""
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_event_id} if last_event_id else {})
    return HttpRequest("GET", f"/generations/{quote(generation_id, safe='')}/events", headers)


def upload(name: str, content: bytes, media_type: str) -> HttpRequest:
    """Send a picture ahead."""
    return HttpRequest("POST", "/uploads", file=(name, content, media_type))


def uploaded_url(reply: HttpReply) -> str:
    """Where an uploaded picture is."""
    return str(_object(reply)["url"])


def generation(reply: HttpReply) -> Generation:
    """The generation that an answer holds, and who renders it."""
    return replace(from_body(_object(reply)), engine=reply.headers.get("x-stillmotion-engine"))


def page(reply: HttpReply) -> Page:
    """A part of the list of generations."""
    body = _object(reply)
    return Page([from_body(each) for each in body["generations"]], bool(body["has_more"]))


def names(reply: HttpReply) -> list[str]:
    """A bare list of words."""
    body = json.loads(reply.content)
    return [str(each) for each in body]


def plan_of(reply: HttpReply) -> Any:
    """The engine's own account; None where there is none yet."""
    return _object(reply).get("plan")


def from_body(body: Any) -> Generation:
    """A generation in this dialect or the gateway's, which tells less. Raises `BadAnswer`."""
    try:
        assets = body.get("assets") or {}
        request = body.get("request") or {}
        created = body.get("created_at")
        return Generation(
            id=body["id"],
            state=body["state"],
            model=body["model"],
            prompt=request.get("prompt"),
            created_at=datetime.fromisoformat(created) if created else None,
            failure_reason=body.get("failure_reason"),
            progress=1.0 if body["state"] == "completed" else float(body.get("progress") or 0.0),
            stage=body.get("stage"),
            queue_position=body.get("queue_position"),
            eta_seconds=body.get("eta_seconds"),
            video_url=assets.get("video"),
            image_url=assets.get("image"),
            body=body,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadAnswer("The answer holds no generation: check that the address is a Stillmotion server's.") from error


def told(generation: Generation, event: str) -> Generation:
    """The generation as an event's JSON says that it is now. An event that says nothing of it changes nothing."""
    try:
        body = json.loads(event)
    except ValueError:
        return generation
    if not isinstance(body, dict):
        return generation
    known = {name: body[name] for name in _TOLD_IN_EVENTS if body.get(name) is not None}
    return replace(generation, preview_url=body.get("preview"), **known)


def refusal(reply: HttpReply) -> ServerRefused:
    """The error that an answer of 400 and up stands for, in the server's own words on any surface."""
    try:
        body = json.loads(reply.content)
    except ValueError:
        body = None
    sentence = _sentence(body) or f"The server answered {reply.status}"
    reason = reply.headers.get("x-stillmotion-reason") or _reason(body)
    return refused(sentence, reply.status, reply.headers.get("x-request-id", ""), retry_after(reply), reason)


def retry_after(reply: HttpReply) -> float | None:
    """How long the server asks to wait, in seconds; None where it does not say."""
    try:
        return max(0.0, float(reply.headers["retry-after"]))
    except (KeyError, ValueError):
        return None


def _reason(body: Any) -> str:
    """The code that a body gives, at its top or in its `error`."""
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


def _object(reply: HttpReply) -> Mapping[str, Any]:
    try:
        body = json.loads(reply.content)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise BadAnswer("The answer is not JSON: check that the address is a Stillmotion server's.")
    return body
