"""The videos API's JSON. The order of the fields is the order on the wire; golden files freeze it."""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta, Struct

from stillmotion.domain.history.metadata import MAX_PAIRS, NAME_MAX_CHARACTERS, VALUE_MAX_CHARACTERS
from stillmotion.domain.request import MAX_SECONDS, MAX_SEED, MIN_SECONDS, PROMPT_MAX_CHARACTERS, VideoCodec
from stillmotion.http.resources.history.filters import FilterQuery

DEFAULT_MODEL = "sora-2"
DEFAULT_SECONDS = 4.0
DEFAULT_SIZE = "720x1280"

DEFAULT_PAGE, LONGEST_PAGE = 20, 100


class Reference(Struct, frozen=True, forbid_unknown_fields=True):
    """First picture of the video, by one of the two fields."""

    image_url: Annotated[str | None, Meta(description="must be a string: an http(s) URL, or data:image/…;base64,…")] = (
        None
    )
    file_id: Annotated[str | None, Meta(description="must be a string: the id that POST /uploads answered with")] = None


class CreateVideo(Struct, frozen=True, forbid_unknown_fields=True):
    """A video to make."""

    prompt: Annotated[
        str,
        Meta(description=f"must be a string of 1 to {PROMPT_MAX_CHARACTERS} characters: what happens in the video"),
    ]
    input_reference: Annotated[
        Reference | str | None,
        Meta(
            description="must be the picture to begin with: a file of the form, or its URL, or "
            '{"image_url": …} or {"file_id": …}; it is needed where the model makes no videos of words alone'
        ),
    ] = None
    model: Annotated[
        str,
        Meta(description=f"must be a string: the name of one of this server's models, {DEFAULT_MODEL} if left out"),
    ] = DEFAULT_MODEL
    seconds: Annotated[
        str | int | float,
        Meta(
            description=f'must be a number or a string like "4", from {MIN_SECONDS:g} to {MAX_SECONDS:g} seconds, '
            f"{DEFAULT_SECONDS:g} if left out"
        ),
    ] = "4"
    size: Annotated[
        str,
        Meta(description=f'must be a string like "1280x720", width times height, {DEFAULT_SIZE} if left out'),
    ] = DEFAULT_SIZE
    seed: Annotated[
        int | None, Meta(description=f"must be a whole number from 0 to {MAX_SEED}; the same seed, the same video")
    ] = None
    fps: Annotated[
        int | None, Meta(description="must be a whole number: the frames a second, where the model makes so many")
    ] = None
    num_frames: Annotated[
        int | None, Meta(description="must be a whole number: the video's frames, which count more than seconds")
    ] = None
    negative_prompt: Annotated[
        str | None,
        Meta(description="must be a string: what to keep away from, where the model has a use for it"),
    ] = None
    codec: Annotated[
        VideoCodec | None,
        Meta(description=f"must be one of {', '.join(VideoCodec)}: how the video is compressed"),
    ] = None
    metadata: Annotated[
        dict[str, str] | None,
        Meta(
            description=f"must be an object of up to {MAX_PAIRS} strings of your own, with names of "
            f"{NAME_MAX_CHARACTERS} characters and values of {VALUE_MAX_CHARACTERS} at most"
        ),
    ] = None
    user: Annotated[
        str | None, Meta(description="must be a string: your own name for whom this is for; nothing is done with it")
    ] = None


class NoParameters(Struct, frozen=True):
    """No parameters."""


class VideoListQuery(FilterQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Page of the list, and the choice of its videos."""

    after: Annotated[str | None, Meta(description="the id after which the page begins")] = None
    limit: Annotated[
        int, Meta(ge=1, le=LONGEST_PAGE, description=f"must be a whole number from 1 to {LONGEST_PAGE}")
    ] = DEFAULT_PAGE
    order: Annotated[Literal["asc", "desc"], Meta(description="must be asc or desc: the oldest or newest first")] = (
        "desc"
    )


class Content(Struct, frozen=True, forbid_unknown_fields=True):
    """File of the video."""

    variant: Annotated[Literal["video", "thumbnail"], Meta(description="must be video or thumbnail")] = "video"


StatusWord = Literal["queued", "in_progress", "completed", "failed"]
StageWord = Literal["waiting", "fetching", "loading", "rendering", "encoding", "storing"]


class Failure(Struct, frozen=True):
    """Reason for a failed video."""

    code: str
    message: str


class Video(Struct, frozen=True):
    """A video, finished or not. Times are in seconds since 1970.

    `size` is the clip's real frame; null for a clip made on another surface in its picture's own shape.

    Beyond the API's own fields: `engine` is the engine that renders it. While it waits, `queue_position` is its place
    among those that wait for the same engine, 1 being the next; `eta_seconds` is the estimated time until it is
    finished. `stage` is the worker's, null once it has ended. `seed` is the seed that the clip was drawn by, `width`
    and `height` are its frame's, `cost` its price on the day of the submit, 0 if it failed. `preview` shows the
    unfinished clip. `remedy` says what to do about a failure where its reason does not. Null stands for what is unknown
    or does not apply.
    """

    id: str
    object: Literal["video"]
    model: str
    status: StatusWord
    progress: int
    created_at: int
    completed_at: int | None
    expires_at: int | None
    size: str | None
    seconds: str
    prompt: str
    error: Failure | None
    engine: str
    queue_position: int | None
    eta_seconds: float | None
    stage: StageWord | None
    seed: int | None
    started_at: int | None
    finished_at: int | None
    width: int | None
    height: int | None
    cost: float | None
    metadata: Mapping[str, str]
    retry_of: str | None
    preview: str | None
    remedy: str | None
    remixed_from_video_id: None = None


class Videos(Struct, frozen=True):
    """A page of the list; `last_id` is the next page's `after`."""

    object: Literal["list"]
    data: tuple[Video, ...]
    first_id: str | None
    last_id: str | None
    has_more: bool


class Deleted(Struct, frozen=True):
    """A removed video."""

    id: str
    object: Literal["video.deleted"] = "video.deleted"
    deleted: bool = True


class Model(Struct, frozen=True):
    """A model by its wire name. `created` is the start of the subscription; `engine` really renders it."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    engine: str


class Models(Struct, frozen=True):
    """The models that the subscription's product includes."""

    object: Literal["list"]
    data: tuple[Model, ...]


class ErrorDetail(Struct, frozen=True):
    """An error: a sentence, the parameter that caused it, and a code for programs."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class VideoError(Struct, frozen=True):
    """Any refusal."""

    error: ErrorDetail
