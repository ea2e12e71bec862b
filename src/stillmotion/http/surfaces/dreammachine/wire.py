"""The Dream Machine's JSON. The order of the fields is the order on the wire; golden files freeze it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from stillmotion.domain.camera_concepts import HONOURED, SUGGESTED
from stillmotion.domain.history.metadata import MAX_PAIRS, NAME_MAX_CHARACTERS, VALUE_MAX_CHARACTERS
from stillmotion.domain.request import (
    DEFAULT_MODEL,
    DEFAULT_SECONDS,
    MAX_SECONDS,
    MAX_SEED,
    MIN_SECONDS,
    PROMPT_MAX_CHARACTERS,
    AspectRatio,
    Resolution,
    VideoCodec,
)
from stillmotion.http.resources.history.filters import FilterQuery, IdStart

MIN_PROMPT_CHARACTERS = 3
LONGEST_PAGE = 100
FARTHEST_OFFSET = 1_000_000_000
"""Largest offset: beyond any list, and within the database's integers."""

_Text = Annotated[str | None, Meta(description="must be a string")]
_Pixels = Annotated[int | None, Meta(description="must be a whole number of pixels of the new frame")]
_Callback = Annotated[str | None, Meta(description="must be a string: an http(s) URL to be told at")]
_Model = Annotated[
    str, Meta(description=f"must be a string: the name of one of this server's models, {DEFAULT_MODEL} if left out")
]
_AnyModel = Annotated[
    str | None,
    Meta(description=f"must be a string: the name of one of this server's models, {DEFAULT_MODEL} if left out"),
]
_Metadata = Annotated[
    dict[str, str] | None,
    Meta(
        description=f"must be an object of up to {MAX_PAIRS} strings of your own, with names of {NAME_MAX_CHARACTERS} "
        f"characters and values of {VALUE_MAX_CHARACTERS} at most"
    ),
]
_Shape = Annotated[str | None, Meta(description=f"must be one of {', '.join(AspectRatio)}")]
_Resolution = Annotated[str | None, Meta(description=f"must be one of {', '.join(Resolution)}")]


class DreamMachineImageKeyframe(Struct, frozen=True, tag="image"):
    """A picture at an http(s) address, or itself as `data:image/…;base64,…`."""

    url: str


class DreamMachineGenerationKeyframe(Struct, frozen=True, tag="generation"):
    """An earlier generation, continued from its last frame (`frame0`) or led into (`frame1`)."""

    id: str


class DreamMachineKeyframes(Struct, frozen=True):
    """First and last picture of the video."""

    frame0: DreamMachineImageKeyframe | DreamMachineGenerationKeyframe | None = None
    frame1: DreamMachineImageKeyframe | DreamMachineGenerationKeyframe | None = None


class AskedKeyframe(Struct, frozen=True, forbid_unknown_fields=True):
    """A picture by its `url`, or an earlier generation by its `id`: `type` may say which."""

    type: Annotated[
        Literal["image", "generation"] | None, Meta(description='must be "image" or "generation"; it may be left out')
    ] = None
    url: Annotated[
        str | None,
        Meta(description="must be a string: the http(s) URL of a picture, or the picture as data:image/…;base64,…"),
    ] = None
    id: Annotated[str | None, Meta(description="must be a string: the id of one of your completed generations")] = None


_Keyframe = Annotated[
    AskedKeyframe | None,
    Meta(description='must be {"type": "image", "url": "…"} or {"type": "generation", "id": "…"}'),
]


class AskedKeyframes(Struct, frozen=True, forbid_unknown_fields=True):
    """Asked first and last picture of the video."""

    frame0: _Keyframe = None
    frame1: _Keyframe = None


class Concept(Struct, frozen=True, forbid_unknown_fields=True):
    """A camera concept."""

    key: Annotated[str, Meta(description="must be a string: the name of a concept")]


class Media(Struct, frozen=True, forbid_unknown_fields=True):
    """A video or a picture by its address."""

    url: Annotated[str, Meta(description="must be a string: an http(s) URL")]


_Keyframes = Annotated[
    AskedKeyframes | None,
    Meta(
        description='must be {"frame0": …, "frame1": …}, each {"type": "image", "url": "…"} or '
        '{"type": "generation", "id": "…"}'
    ),
]
_Concepts = Annotated[
    tuple[Concept, ...] | None,
    Meta(description=f'must be a list of {{"key": "…"}}, with {", ".join((*HONOURED, *SUGGESTED))}'),
]
_Media = Annotated[Media, Meta(description='must be {"url": "…"}: the video of one of your completed generations')]


class CreateRequest(Struct, forbid_unknown_fields=True, frozen=True):
    """A video to make."""

    model: _AnyModel = None
    prompt: Annotated[
        str | None,
        Meta(
            description=f"must be a string of {MIN_PROMPT_CHARACTERS} to {PROMPT_MAX_CHARACTERS} characters; "
            "it may be left out where a keyframe is an image"
        ),
    ] = None
    aspect_ratio: _Shape = None
    loop: Annotated[bool | None, Meta(description="must be true or false: whether the end leads into the start")] = None
    keyframes: _Keyframes = None
    duration: Annotated[
        str | int | float | None,
        Meta(
            description=f'must be a number or a string like "5s", from {MIN_SECONDS:g} to {MAX_SECONDS:g} seconds, '
            f"{DEFAULT_SECONDS:g} if left out"
        ),
    ] = None
    resolution: _Resolution = None
    concepts: _Concepts = None
    callback_url: _Callback = None
    generation_type: Annotated[Literal["video"] | None, Meta(description='must be "video"')] = None
    seed: Annotated[
        int | None, Meta(description=f"must be a whole number from 0 to {MAX_SEED}; the same seed, the same video")
    ] = None
    codec: Annotated[
        str | None, Meta(description=f"must be one of {', '.join(VideoCodec)}: how the video is compressed")
    ] = None
    metadata: _Metadata = None


class EditRequest(Struct, forbid_unknown_fields=True, frozen=True):
    """Changes of a generation. What is left out stays."""

    prompt: Annotated[
        str | UnsetType,
        Meta(
            description=f"must be a string of {MIN_PROMPT_CHARACTERS} to {PROMPT_MAX_CHARACTERS} characters; it can be "
            "changed while the generation is queued"
        ),
    ] = UNSET
    metadata: Annotated[
        dict[str, str | None] | UnsetType,
        Meta(description="must be an object of strings: those names get new values, and null removes a name"),
    ] = UNSET


class UpscaleRequest(Struct, forbid_unknown_fields=True, frozen=True):
    """Upscale of a finished video; without a resolution to the next larger one."""

    resolution: _Resolution = None
    callback_url: _Callback = None
    generation_type: Annotated[Literal["upscale_video"] | None, Meta(description='must be "upscale_video"')] = None
    metadata: _Metadata = None


class ReframeRequest(Struct, forbid_unknown_fields=True, frozen=True):
    """Reframe of a video: its new shape, and the place of its picture in it."""

    media: _Media
    aspect_ratio: Annotated[str, Meta(description=f"must be one of {', '.join(AspectRatio)}")]
    model: _Model = DEFAULT_MODEL
    generation_type: Annotated[Literal["reframe_video"] | None, Meta(description='must be "reframe_video"')] = None
    prompt: _Text = None
    first_frame: Annotated[Media | None, Meta(description='must be {"url": "…"}')] = None
    grid_position_x: _Pixels = None
    grid_position_y: _Pixels = None
    resized_width: _Pixels = None
    resized_height: _Pixels = None
    x_start: _Pixels = None
    x_end: _Pixels = None
    y_start: _Pixels = None
    y_end: _Pixels = None
    callback_url: _Callback = None
    metadata: _Metadata = None


class ListQuery(FilterQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Page of a list, and the choice of its generations."""

    limit: Annotated[
        int, Meta(ge=0, le=LONGEST_PAGE, description=f"must be a whole number from 0 to {LONGEST_PAGE}")
    ] = LONGEST_PAGE
    offset: Annotated[
        int, Meta(ge=0, le=FARTHEST_OFFSET, description=f"must be a whole number from 0 to {FARTHEST_OFFSET}")
    ] = 0
    after: Annotated[IdStart | None, Meta(description="must be an id: the page follows it in the list")] = None
    before: Annotated[IdStart | None, Meta(description="must be an id: the page ends before it in the list")] = None
    order: Annotated[Literal["asc", "desc"], Meta(description="must be asc or desc: the oldest or newest first")] = (
        "desc"
    )


class AnyBody(Struct, frozen=True):
    """A body that is ignored."""


class DreamMachineRequestEcho(Struct, frozen=True):
    """The request. `codec` is set where it was asked for; fields of upscaling and reframing are set for those alone."""

    generation_type: str
    model: str
    prompt: str | None
    aspect_ratio: str | None
    loop: bool
    keyframes: DreamMachineKeyframes | None
    duration: str
    resolution: str
    concepts: tuple[Concept, ...] | None
    callback_url: str | None
    codec: str | UnsetType = UNSET
    source: str | UnsetType = UNSET
    media: Media | UnsetType = UNSET
    x_start: int | UnsetType = UNSET
    x_end: int | UnsetType = UNSET
    y_start: int | UnsetType = UNSET
    y_end: int | UnsetType = UNSET


class DreamMachineAssets(Struct, frozen=True):
    """Addresses of the result, an H.264 (or AV1) MP4 and a JPEG, good for a day. Every response has fresh ones.

    `poster` is a small JPEG and `preview_video` a small H.264 MP4 of 3 seconds at most, for grids. Both are null for
    clips of earlier versions.
    """

    video: str
    image: str
    progress_video: str | None = None
    poster: str | None = None
    preview_video: str | None = None


StateWord = Literal["queued", "dreaming", "completed", "failed"]
StageWord = Literal["waiting", "fetching", "loading", "rendering", "encoding", "storing"]


class DreamMachineGeneration(Struct, frozen=True):
    """A generation. `progress` goes from 0 to 1.

    Beyond the Dream Machine's own fields: `engine` is the engine that renders it. While it waits, `queue_position` is
    its place among those that wait for the same engine, 1 being the next; `eta_seconds` is the estimated time until it
    is finished. `stage` is the worker's, null once it has ended. `seed` is the seed that the clip was drawn by, `width`
    and `height` are its frame's, `cost` its price on the day of the submit, 0 if it failed. `preview` shows the
    unfinished clip. `remedy` says what to do about a failure where its reason does not. Null stands for what is unknown
    or does not apply.
    """

    id: str
    generation_type: Literal["video"]
    state: StateWord
    failure_reason: str | None
    created_at: datetime
    assets: DreamMachineAssets | None
    model: str
    request: DreamMachineRequestEcho
    progress: float
    engine: str
    queue_position: int | None
    eta_seconds: float | None
    stage: StageWord | None
    seed: int | None
    started_at: datetime | None
    finished_at: datetime | None
    width: int | None
    height: int | None
    cost: float | None
    metadata: Mapping[str, str]
    retry_of: str | None
    preview: str | None
    failure_code: str | None
    remedy: str | None


class GenerationList(Struct, frozen=True):
    """One page of the list of generations; `count` is the length of the page.

    `next` and `previous` are the ids to send as `after` and `before`; null at the ends of the list. `total` is the
    number of all, told on the first page where it is known without looking at each.
    """

    generations: tuple[DreamMachineGeneration, ...]
    count: int
    limit: int
    offset: int
    has_more: bool
    total: int | None
    next: str | None
    previous: str | None


class Pong(Struct, frozen=True):
    """The answer to a ping."""

    message: Literal["pong"] = "pong"


class Credits(Struct, frozen=True):
    """The rest of the month's quota, at the product's price."""

    credit_balance: float


class Detail(Struct, frozen=True):
    """Any refusal."""

    detail: str


Names = list[str]
