"""The gateway's JSON. The order of the fields is the order on the wire; golden files freeze it."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from stillmotion.domain.request import (
    DEFAULT_SECONDS,
    MAX_SECONDS,
    MAX_SEED,
    MIN_SECONDS,
    PROMPT_MAX_CHARACTERS,
    URL_MAX_CHARACTERS,
    AspectRatio,
    Resolution,
    VideoCodec,
)

_ADDRESS = (
    f"must be a string: the http(s) URL of a picture, {URL_MAX_CHARACTERS} characters at most, "
    "or the picture itself as data:image/…;base64,…"
)
_SECONDS = f"from {MIN_SECONDS:g} to {MAX_SECONDS:g} seconds, {DEFAULT_SECONDS:g} if left out"


class SubmitRequest(Struct, forbid_unknown_fields=True, frozen=True):
    """A video to make. Only `prompt` and `url` are in the founding document."""

    prompt: Annotated[
        str,
        Meta(description=f"must be a string of 1 to {PROMPT_MAX_CHARACTERS} characters: what happens in the video"),
    ]
    url: Annotated[str, Meta(description=_ADDRESS)]
    aspect_ratio: Annotated[
        AspectRatio | None,
        Meta(description=f"must be one of {', '.join(AspectRatio)}; left out, the picture keeps its own shape"),
    ] = None
    loop: Annotated[bool | None, Meta(description="must be true or false: whether the end leads into the start")] = None
    end_url: Annotated[str | None, Meta(description=f"{_ADDRESS}; the video ends with it")] = None
    callback_url: Annotated[
        str | None,
        Meta(description=f"must be a string: an http(s) URL, {URL_MAX_CHARACTERS} characters at most, to be told at"),
    ] = None
    model: Annotated[str | None, Meta(description="must be a string: the name of one of this server's models")] = None
    duration: Annotated[
        str | int | float | None, Meta(description=f'must be a number or a string like "5s", {_SECONDS}')
    ] = None
    resolution: Annotated[Resolution | None, Meta(description=f"must be one of {', '.join(Resolution)}")] = None
    seed: Annotated[
        int | float | None,
        Meta(description=f"must be a whole number from 0 to {MAX_SEED}; the same seed, the same video"),
    ] = None
    codec: Annotated[
        VideoCodec | None,
        Meta(description=f"must be one of {', '.join(VideoCodec)}: how the video is compressed"),
    ] = None


class StatusRequest(Struct, forbid_unknown_fields=True, frozen=True):
    """The generation to look at."""

    task_id: Annotated[str, Meta(description="must be a string: the id that the submit answered with")]


StateWord = Literal["queued", "dreaming", "completed", "failed"]


class ImageKeyframe(Struct, frozen=True, tag="image", gc=False):
    """A picture at the caller's address, or at ours if it came with the request."""

    url: str


class GenerationKeyframe(Struct, frozen=True, tag="generation", gc=False):
    """An earlier generation, for requests made on another surface alone."""

    id: str


class Keyframes(Struct, frozen=True, gc=False):
    """First and last picture of the video."""

    frame0: ImageKeyframe | GenerationKeyframe | None
    frame1: ImageKeyframe | GenerationKeyframe | None


class RequestEcho(Struct, frozen=True, gc=False):
    """The request."""

    generation_type: Literal["video"]
    prompt: str
    aspect_ratio: str
    loop: bool
    keyframes: Keyframes
    callback_url: str | None


class Assets(Struct, frozen=True, gc=False):
    """Addresses of the result, an H.264 (or AV1) MP4 and a JPEG, good for a day. Every poll gives fresh ones."""

    video: str
    image: str


class Generation(Struct, frozen=True, gc=False):
    """A generation, in both endpoints' responses. `msg` is set until it has ended."""

    id: str
    generation_type: Literal["video"]
    state: StateWord
    failure_reason: str | None
    created_at: datetime
    assets: Assets | None
    model: str
    request: RequestEcho
    msg: str | UnsetType = UNSET


class FieldProblem(Struct, frozen=True):
    """A field of the request, and the remedy."""

    field: str
    message: str


class InvalidParameters(Struct, frozen=True):
    """A request that cannot be carried out as written."""

    error: str
    details: tuple[FieldProblem, ...]


class Error(Struct, frozen=True):
    """Any other refusal."""

    error: str


class TaskNotFound(Struct, frozen=True):
    """There is no such task for this subscription."""

    task_status: Literal["failed"]
    task_status_msg: str
