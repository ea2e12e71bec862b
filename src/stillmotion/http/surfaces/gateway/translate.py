"""Translation between the gateway's words and the domain's."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import cast

import msgspec

from stillmotion.domain.errors import InvalidRequest, Problem
from stillmotion.domain.generation import GenerationView
from stillmotion.domain.lifecycle import State
from stillmotion.domain.request import (
    DEFAULT_MODEL,
    DEFAULT_SECONDS,
    AspectRatio,
    GenerationRequest,
    Keyframe,
    Resolution,
    prompt_problems,
)
from stillmotion.http.edge.operation import LinkTo
from stillmotion.http.parsing.data_uri import BadDataUri, read_address
from stillmotion.http.surfaces.gateway import wire

UNFINISHED_MESSAGE = "Image Getting Created"
CANCELLED_REASON = "The generation was cancelled."
UNASKED_ASPECT_RATIO = AspectRatio.WIDE
"""Aspect ratio in the echo of a request without one, as in the founding document."""

_DURATION = re.compile(r"([0-9]{1,4}(?:\.[0-9]{1,3})?)s?", re.ASCII)
_SHOWN: Mapping[State, tuple[wire.StateWord, str | None, str | msgspec.UnsetType]] = {
    State.QUEUED: ("queued", None, UNFINISHED_MESSAGE),
    State.DREAMING: ("dreaming", None, UNFINISHED_MESSAGE),
    State.COMPLETED: ("completed", None, msgspec.UNSET),
    State.FAILED: ("failed", None, msgspec.UNSET),
    State.CANCELLED: ("failed", CANCELLED_REASON, msgspec.UNSET),
}
"""Word, failure reason and message of each state."""
_ENCODER = msgspec.json.Encoder()


def to_request(submitted: wire.SubmitRequest) -> GenerationRequest:
    """The request in the domain's words. Raises `InvalidRequest` with every problem, if a field cannot be read.

    The application checks everything else, addresses included.
    """
    reading = _Reading()
    frame0 = reading.keyframe("url", submitted.url)
    frame1 = None if submitted.end_url is None else reading.keyframe("end_url", submitted.end_url)
    if not submitted.prompt and (frame0 is not None or frame1 is not None):
        # The domain takes a keyframe without a prompt; the gateway does not.
        reading.refuse("prompt", *prompt_problems(submitted.prompt))
    seconds = reading.seconds(submitted.duration)
    seed = reading.seed(submitted.seed)
    request = GenerationRequest(
        prompt=submitted.prompt,
        frame0=frame0,
        frame1=frame1,
        aspect_ratio=submitted.aspect_ratio,
        loop=bool(submitted.loop),
        seconds=seconds,
        resolution=submitted.resolution or Resolution.P720,
        seed=seed,
        callback_url=submitted.callback_url,
        model=DEFAULT_MODEL if submitted.model is None else submitted.model,
        codec=submitted.codec,
    )
    if reading.problems:
        # One answer names everything, so the rules that the application would check are added here.
        raise InvalidRequest(*reading.problems, *request.problems())
    return request


class _Reading:
    """Reader of single fields that collects their problems."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def refuse(self, field: str, *messages: str) -> None:
        self.problems += [Problem(field, message) for message in messages]

    def keyframe(self, field: str, address: str) -> Keyframe | None:
        try:
            return read_address(address)
        except BadDataUri as error:
            self.refuse(field, str(error))
            return None

    def seconds(self, duration: str | float | None) -> float:
        if duration is None:
            return DEFAULT_SECONDS
        if not isinstance(duration, str):
            return float(duration)
        written = _DURATION.fullmatch(duration.strip())
        if written is None:
            self.refuse("duration", 'must be a number of seconds, such as 5 or "5s"')
            return DEFAULT_SECONDS
        return float(written[1])

    def seed(self, seed: float | None) -> int | None:
        if seed is None or seed == int(seed):
            return None if seed is None else int(seed)
        self.refuse("seed", "must be a whole number")
        return None


def encode(view: GenerationView, link_to: LinkTo) -> bytes:
    """JSON body of both endpoints' answers and of callbacks."""
    return _ENCODER.encode(to_wire(view, link_to))


def to_wire(view: GenerationView, link_to: LinkTo) -> wire.Generation:
    """A generation in the gateway's words."""
    request, video, thumbnail = view.request, view.video, view.thumbnail
    word, reason, message = _SHOWN[view.state]
    frame0, frame1 = request.frame0, request.frame1
    return wire.Generation(
        view.id,
        "video",
        word,
        reason or view.failure_reason,
        view.created_at if view.created_at.microsecond else _with_microseconds(view.created_at),
        None if video is None or thumbnail is None else wire.Assets(link_to(video), link_to(thumbnail)),
        request.model,
        wire.RequestEcho(
            "video",
            request.prompt,
            request.aspect_ratio or UNASKED_ASPECT_RATIO,
            request.loop,
            wire.Keyframes(
                None if frame0 is None else _keyframe(frame0, link_to),
                None if frame1 is None else _keyframe(frame1, link_to),
            ),
            request.callback_url,
        ),
        message,
    )


def _with_microseconds(time: datetime) -> datetime:
    """Text of a whole second with six decimals, which the encoder would leave out."""
    return cast("datetime", f"{time:%Y-%m-%dT%H:%M:%S}.000000Z")


def _keyframe(keyframe: Keyframe, link_to: LinkTo) -> wire.ImageKeyframe | wire.GenerationKeyframe:
    if keyframe.url is not None:
        return wire.ImageKeyframe(keyframe.url)
    if keyframe.key is not None:
        return wire.ImageKeyframe(link_to(keyframe.key))
    if keyframe.id is not None:
        return wire.GenerationKeyframe(keyframe.id)
    raise TypeError("a keyframe of a stored generation has no content")
