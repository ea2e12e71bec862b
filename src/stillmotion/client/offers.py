"""Offers of a server: the models of a key, and plans of clips before they are asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from stillmotion.client.errors import BadAnswer
from stillmotion.client.steps import HttpReply, HttpRequest
from stillmotion.client.wire import Options, json_object, submit

_NO_OFFER: Final = "The answer holds no such thing: check that the address is a Stillmotion server's, of this version."


@dataclass(frozen=True, slots=True)
class ModelOffer:
    """A model by the name that `model` takes, and what a clip of it may be.

    `state` is ready, loading, idle, unavailable, pullable or unfit, for the `reason` given. Abilities are `native`, or
    `emulated` by a substitute. `body` is the whole of it.
    """

    name: str
    engine: str
    state: str
    reason: str | None
    native: Sequence[str]
    emulated: Sequence[str]
    resolutions: Sequence[str]
    aspect_ratios: Sequence[str]
    min_seconds: float
    max_seconds: float
    is_default: bool
    body: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class ClipPlan:
    """The clip that a submit would lead to. With any `problems`, sentences by field, it would be refused.

    `sentence` says how the words are understood; None for an engine that takes them as they are. `size` is None where
    it depends on the picture. `body` is the whole response.
    """

    engine: str
    model: str
    sentence: str | None
    not_understood: Sequence[str]
    size: tuple[int, int] | None
    seconds: float
    price: float | None
    eta_seconds: float | None
    problems: Sequence[tuple[str, str]]
    body: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


def offers_request() -> HttpRequest:
    """Request for the models of the key's product."""
    return HttpRequest("GET", "/models")


def plan_request(prompt: str, picture: tuple[int, int] | None, options: Options, key: str) -> HttpRequest:
    """Request for a plan. `picture` is the first picture's size. The `key` lets it be repeated."""
    asked = submit(prompt, {}, options, key)
    size = {} if picture is None else {"picture": {"width": picture[0], "height": picture[1]}}
    return HttpRequest("POST", "/plan", asked.headers, json={**asked.json, **size})


def offers(reply: HttpReply) -> Sequence[ModelOffer]:
    """The models in a response. Raises `BadAnswer`."""
    try:
        return [_offer(each) for each in json_object(reply)["models"]]
    except (KeyError, TypeError) as error:
        raise BadAnswer(_NO_OFFER) from error


def clip_plan(reply: HttpReply) -> ClipPlan:
    """The plan in a response. Raises `BadAnswer`."""
    body = json_object(reply)
    try:
        size = None if body["width"] is None else (body["width"], body["height"])
        return ClipPlan(
            engine=body["engine"],
            model=body["model"],
            sentence=body["sentence"],
            not_understood=body["not_understood"],
            size=size,
            seconds=body["seconds"],
            price=body["price"],
            eta_seconds=body["eta_seconds"],
            problems=[(each["field"], each["message"]) for each in body["problems"]],
            body=body,
        )
    except (KeyError, TypeError) as error:
        raise BadAnswer(_NO_OFFER) from error


def _offer(told: Mapping[str, Any]) -> ModelOffer:
    return ModelOffer(
        name=told["name"],
        engine=told["engine"],
        state=told["state"],
        reason=told["reason"],
        native=told["native"],
        emulated=told["emulated"],
        resolutions=told["resolutions"],
        aspect_ratios=told["aspect_ratios"],
        min_seconds=told["min_seconds"],
        max_seconds=told["max_seconds"],
        is_default=told["default"],
        body=told,
    )
