"""JSON of everybody's generations, and its translation. Words and pictures of customers are left out until revealed."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from stillmotion.application.operators.oversight import WatchedGeneration
from stillmotion.application.ports.administration import EverybodysFilter
from stillmotion.application.ports.lists import Filter, folded
from stillmotion.domain.errors import InvalidRequest, Problem
from stillmotion.domain.failures import remedy_for
from stillmotion.domain.generation import Generation
from stillmotion.domain.lifecycle import State
from stillmotion.domain.request import Keyframe
from stillmotion.http.edge.operation import LinkTo
from stillmotion.http.edge.request_ring import RequestRing
from stillmotion.http.edge.services import Services

NOTHING: Final = "-"
"""Id of no generation."""

LONGEST_AGE: Final = 10 * 365 * 86_400.0
"""Seconds."""


class FilterFields(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Filters of everybody's generations. An empty one passes all."""

    state: Annotated[str, Meta(description=f"must be one or more of {', '.join(State)}, with commas between them")] = ""
    subscription: Annotated[str, Meta(description="must be a subscription's id")] = ""
    model: Annotated[str, Meta(description="must be a model's name as callers write it")] = ""
    engine: Annotated[str, Meta(description="must be an engine, such as parallax/1")] = ""
    worker: Annotated[str, Meta(description="must be a worker's id, or the name of its machine")] = ""
    search: Annotated[str, Meta(description="must be text, which prompts, ids and metadata are searched for")] = ""
    older_than: Annotated[
        float, Meta(ge=0, le=LONGEST_AGE, description="must be a number of seconds: submitted longer ago")
    ] = 0
    request_id: Annotated[
        str, Meta(description="must be the id of one of the last requests, as X-Request-Id has it")
    ] = ""


class EverybodysQuery(FilterFields, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A page of everybody's generations: `limit` of them after or before the one with that id."""

    limit: Annotated[int, Meta(ge=1, le=200, description="must be a whole number, 1 to 200")] = 50
    after: Annotated[str, Meta(description="must be an id: the page begins behind it, with older ones")] = ""
    before: Annotated[str, Meta(description="must be an id: the page ends before it, with newer ones")] = ""


class Move(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A move in the line."""

    to: Annotated[Literal["front", "back"], Meta(description="must be front or back")]


class Batch(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An action on all that pass a filter, whose sender saw `expected` of them. `to` is for moves alone."""

    action: Annotated[
        Literal["cancel", "retry", "delete", "move"], Meta(description="must be cancel, retry, delete or move")
    ]
    filter: Annotated[FilterFields, Meta(description="must be an object with the filters of the list")]
    expected: Annotated[int, Meta(ge=0, description="must be the number of generations that the list showed")]
    to: Annotated[Literal["front", "back"], Meta(description="must be front or back")] = "front"


class BatchDone(Struct, frozen=True):
    """The number of generations that it was done to."""

    done: int


class GenerationInfo(Struct, frozen=True, kw_only=True):
    """A generation as operators see it. While `hidden`, the words and pictures of its owner are left out."""

    id: str
    hidden: bool = True
    subscription: str
    surface: str
    model: str
    engine: str
    state: str
    stage: str | None
    progress: float
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    seconds: float
    resolution: str
    width: int | None
    height: int | None
    seed: int | None
    cost: float | None
    attempts: int
    failures: int
    losses: int
    failure_code: str | None
    failure_reason: str | None
    remedy: str | None
    worker: str | None
    request_id: str | None
    queue_position: int | None
    eta_seconds: float | None


class RevealedRequest(Struct, frozen=True, kw_only=True):
    """The words and pictures of a request. Pictures are URLs or ids of earlier generations."""

    prompt: str
    negative_prompt: str
    frame0: str | None
    frame1: str | None
    source: str | None
    callback_url: str | None


class RevealedAssets(Struct, frozen=True):
    """Links to the result."""

    video: str
    image: str


class RevealedGeneration(GenerationInfo, frozen=True, kw_only=True):
    """A generation with the words and pictures of its owner."""

    prompt: str
    request: RevealedRequest
    assets: RevealedAssets | None
    preview: str | None
    metadata: dict[str, str]


class EverybodysList(Struct, frozen=True):
    """A page, the newest first. `total` is the number that pass the filter; `next` and `previous` continue the list."""

    generations: tuple[GenerationInfo, ...]
    total: int
    next: str | None
    previous: str | None


def to_filter(asked: FilterFields, services: Services) -> EverybodysFilter:
    """The filter. Raises `InvalidRequest` for a state that is none."""
    now = services.clock.now()
    names = {name.strip() for name in asked.state.split(",") if name.strip()}
    if names - set(State):
        raise InvalidRequest(Problem("state", f"must be one or more of {', '.join(State)}, with commas between them"))
    created_before = now - timedelta(seconds=asked.older_than) if asked.older_than else None
    chosen = Filter(
        states=frozenset(State(name) for name in names),
        model=asked.model,
        search=folded(asked.search),
        created_before=created_before,
    )
    begun = (services.recent.begun_by(asked.request_id) or NOTHING) if asked.request_id else None
    owner = asked.subscription.lower() or None
    return EverybodysFilter(chosen, begun, owner, asked.engine or None, asked.worker or None)


def generation_info(ring: RequestRing, shown: WatchedGeneration | Generation) -> GenerationInfo:
    """A generation in the administration's words, hidden."""
    return GenerationInfo(**_parts(ring, shown))


def revealed(ring: RequestRing, watched: WatchedGeneration, link_to: LinkTo) -> RevealedGeneration:
    """A generation with the words and pictures of its owner."""
    known = watched.generation
    request, made = known.request, known.assets
    return RevealedGeneration(
        **{**_parts(ring, watched), "hidden": False},
        prompt=request.prompt,
        request=RevealedRequest(
            prompt=request.prompt,
            negative_prompt=request.negative_prompt,
            frame0=_picture(request.frame0, link_to),
            frame1=_picture(request.frame1, link_to),
            source=request.source or request.source_url,
            callback_url=request.callback_url,
        ),
        assets=None if made is None else RevealedAssets(link_to(made.video.key), link_to(made.thumbnail.key)),
        preview=None if known.preview is None else link_to(known.preview),
        metadata=dict(known.metadata),
    )


def _picture(keyframe: Keyframe | None, link_to: LinkTo) -> str | None:
    if keyframe is None:
        return None
    return keyframe.url or keyframe.id or (link_to(keyframe.key) if keyframe.key is not None else None)


def _parts(ring: RequestRing, shown: WatchedGeneration | Generation) -> dict[str, Any]:
    watched = WatchedGeneration(shown) if isinstance(shown, Generation) else shown
    known = watched.generation
    size = known.size
    return {
        "id": known.id,
        "subscription": known.subscription_id,
        "surface": known.surface,
        "model": known.request.model,
        "engine": known.engine,
        "state": known.state.value,
        "stage": known.stage,
        "progress": round(known.progress, 3),
        "created_at": known.created_at,
        "started_at": known.started_at,
        "finished_at": known.finished_at,
        "seconds": known.request.seconds,
        "resolution": known.request.resolution.value,
        "width": None if size is None else size.width,
        "height": None if size is None else size.height,
        "seed": known.seed,
        "cost": None if known.cost is None else float(known.cost),
        "attempts": known.attempt,
        "failures": known.failures,
        "losses": known.losses,
        "failure_code": known.failure_code,
        "failure_reason": known.failure_reason,
        "remedy": remedy_for(known.failure_code),
        "worker": watched.worker,
        "queue_position": watched.queue_position,
        "eta_seconds": watched.eta_seconds,
        "request_id": ring.began(known.id),
    }


DREAMING: Final = GenerationInfo(
    id="f25c04db-19f7-4b51-871c-af6ed0b32f55",
    subscription="019a9d3e-7a54-7c3b-9a53-6f2f6f1f2a10",
    surface="dream-machine",
    model="ray-2",
    engine="parallax/1",
    state="dreaming",
    stage="rendering",
    progress=0.41,
    created_at=datetime(2026, 11, 29, 12, tzinfo=UTC),
    started_at=datetime(2026, 11, 29, 12, 0, 3, tzinfo=UTC),
    finished_at=None,
    seconds=5.0,
    resolution="720p",
    width=None,
    height=None,
    seed=None,
    cost=0.1,
    attempts=1,
    failures=0,
    losses=0,
    failure_code=None,
    failure_reason=None,
    remedy=None,
    worker="gpu-box:4711-9f3a",
    request_id="5f3a-00002a",
    queue_position=None,
    eta_seconds=3.4,
)

REVEALED: Final = RevealedGeneration(
    **{**msgspec.structs.asdict(DREAMING), "hidden": False},
    prompt="leaning girl",
    request=RevealedRequest(
        prompt="leaning girl",
        negative_prompt="",
        frame0="https://storage.googleapis.com/imagesai.appypie.com/testing/00034_00.jpg",
        frame1=None,
        source=None,
        callback_url=None,
    ),
    assets=None,
    preview=None,
    metadata={"order": "4711"},
)
