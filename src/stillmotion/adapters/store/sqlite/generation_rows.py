"""Between rows and what they mean: tuples of SQLite values on one side, the domain on the other."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final, TypeVar
from zlib import crc32

import msgspec

from stillmotion.application.ports.store import Engines
from stillmotion.domain.assets import Asset, AssetKind, Assets
from stillmotion.domain.fairness import Line
from stillmotion.domain.generation import Generation, GenerationView
from stillmotion.domain.keyframes import GenerationKeyframe, ImageKeyframe, InlineKeyframe, Keyframe, StoredKeyframe
from stillmotion.domain.lifecycle import State
from stillmotion.domain.reframing import Placement
from stillmotion.domain.request import AspectRatio, GenerationRequest, Purpose, Resolution
from stillmotion.domain.uploads import Upload

Row = tuple[Any, ...]
Value = TypeVar("Value")
Bindings = dict[str, str | int | float | bytes | None]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_from_timestamp = datetime.fromtimestamp
_OWN_BITS: Final = (1 << 21) - 1
_LARGEST_PLACE: Final = (1 << 63) - 1


class _Image(msgspec.Struct, tag="image", tag_field="type", frozen=True, gc=False):
    url: str
    key: ClassVar[None] = None
    id: ClassVar[None] = None


class _Stored(msgspec.Struct, tag="stored", tag_field="type", frozen=True, gc=False):
    key: str
    url: ClassVar[None] = None
    id: ClassVar[None] = None


class _Earlier(msgspec.Struct, tag="generation", tag_field="type", frozen=True, gc=False):
    id: str
    url: ClassVar[None] = None
    key: ClassVar[None] = None


class _Request(msgspec.Struct, omit_defaults=True, frozen=True, gc=False):
    """A request as it is kept, and as it is shown (a `RequestView`): `GenerationRequest`, with its keyframes tagged."""

    prompt: str
    seconds: float
    resolution: Resolution
    model: str
    frame0: _Image | _Stored | _Earlier | None = None
    frame1: _Image | _Stored | _Earlier | None = None
    aspect_ratio: AspectRatio | None = None
    loop: bool = False
    seed: int | None = None
    concepts: tuple[str, ...] = ()
    callback_url: str | None = None
    purpose: Purpose = Purpose.VIDEO
    source: str | None = None
    source_url: str | None = None
    placement: Placement | None = None
    negative_prompt: str = ""


_encode_json = msgspec.json.Encoder().encode
_decode_request = msgspec.json.Decoder(_Request).decode
_NO_ASSETS: Mapping[str, None] = dict.fromkeys(
    ("video_key", "video_size", "video_digest", "thumbnail_key", "thumbnail_size", "thumbnail_digest")
)
_STATES: Mapping[str, State] = {state.value: state for state in State}


def microseconds(time: datetime) -> int:
    """A time as it is kept: microseconds since 1970 in UTC."""
    return (time - _EPOCH) // _MICROSECOND


def maybe_microseconds(time: datetime | None) -> int | None:
    """The same, where there may be none."""
    return None if time is None else microseconds(time)


def to_time(value: int) -> datetime:
    """The time that was kept as `value`.

    Exact until 2200 and beyond: a double tells microseconds apart there, and the constructor rounds to the nearest.
    """
    return _from_timestamp(value / 1_000_000, UTC)


def video_microseconds(seconds: float) -> int:
    """A length of video as it is kept."""
    return round(seconds * 1_000_000)


def place_of(subscription_id: str, generation_id: str) -> int | None:
    """The `sequence` at which a subscription's generation is kept if it is free, found there without an index.

    Of a UUID of version 7 it is the milliseconds (42 bits of them, which turn over in 2109), then 21 bits: those that
    our ids count up in within a millisecond, mixed with a checksum of whose it is. So new rows come last, and where one
    subscription looks for an id another's row does not lie. None of an id that is no hexadecimal number.
    """
    try:
        value = int(generation_id.replace("-", ""), 16)
    except ValueError:
        return None
    owner = crc32(subscription_id.encode())
    return (value >> 80 << 21 | (value >> 24 ^ owner) & _OWN_BITS) & _LARGEST_PLACE


def from_generation(generation: Generation) -> Bindings:
    """The bindings of a whole row."""
    return from_progress(generation) | {
        "place": place_of(generation.subscription_id, generation.id),
        "subscription_id": generation.subscription_id,
        "surface": generation.surface,
        "request": from_request(generation.request),
        "created_at": microseconds(generation.created_at),
    }


def from_progress(generation: Generation) -> Bindings:
    """The bindings of what can change, and the id."""
    return {
        "id": generation.id,
        "engine": generation.engine,
        "remote": generation.remote,
        "state": generation.state.value,
        "attempt": generation.attempt,
        "failures": generation.failures,
        "losses": generation.losses,
        "progress": generation.progress,
        "lease_until": maybe_microseconds(generation.lease_until),
        "failure_code": generation.failure_code,
        "failure_reason": generation.failure_reason,
        "plan": generation.plan,
        "finished_at": maybe_microseconds(generation.finished_at),
        "preview": generation.preview,
        **(_NO_ASSETS if generation.assets is None else _from_assets(generation.assets)),
    }


def _from_assets(assets: Assets) -> Bindings:
    return {
        "video_key": assets.video.key,
        "video_size": assets.video.size,
        "video_digest": assets.video.digest,
        "thumbnail_key": assets.thumbnail.key,
        "thumbnail_size": assets.thumbnail.size,
        "thumbnail_digest": assets.thumbnail.digest,
    }


def to_generation(row: Row) -> Generation:
    """A generation, from its columns in the order of `statements`."""
    (
        id_, subscription_id, surface, request, engine, created_at, state, attempt, failures, progress, lease_until,
        failure_code, failure_reason, plan, finished_at, remote, video_key, video_size, video_digest, thumbnail_key,
        thumbnail_size, thumbnail_digest, losses, preview,
    ) = row  # fmt: skip
    assets = None
    if video_key is not None:
        assets = Assets(
            Asset(AssetKind.VIDEO, video_key, video_size, video_digest),
            Asset(AssetKind.THUMBNAIL, thumbnail_key, thumbnail_size, thumbnail_digest),
        )
    return _restored(
        Generation,
        {
            "id": id_,
            "subscription_id": subscription_id,
            "surface": surface,
            "request": to_request(request),
            "engine": engine,
            "created_at": to_time(created_at),
            "state": _STATES[state],
            "attempt": attempt,
            "failures": failures,
            "progress": progress,
            "lease_until": None if lease_until is None else to_time(lease_until),
            "failure_code": failure_code,
            "failure_reason": failure_reason,
            "assets": assets,
            "plan": plan,
            "finished_at": None if finished_at is None else to_time(finished_at),
            "remote": remote,
            "losses": losses,
            "preview": preview,
        },
    )


def to_view(row: Row) -> GenerationView:
    """What is shown of a generation, from its columns in the order of `statements`."""
    id_, request, engine, created_at, state, progress, failure_code, failure_reason, video, thumbnail, finished_at = row
    shown = (
        id_,
        _decode_request(request),
        engine,
        _from_timestamp(created_at / 1_000_000, UTC),
        _STATES[state],
        progress,
        failure_code,
        failure_reason,
        video,
        thumbnail,
        None if finished_at is None else finished_at // 1_000_000,
    )
    return GenerationView._make(shown)


def objects_of(row: Row) -> list[str]:
    """The keys of all objects that a generation names, from its request and the others that were read."""
    request, *others = row
    kept = _decode_request(request)
    inputs = [each.key for each in (kept.frame0, kept.frame1) if isinstance(each, _Stored)]
    return [*inputs, *(key for key in others if key is not None)]


def _restored(kind: type[Value], fields: dict[str, Any]) -> Value:
    """A frozen value as it was kept: whole and valid already, so neither checked nor set a field at a time again."""
    value = object.__new__(kind)
    object.__setattr__(value, "__dict__", fields)
    return value


def from_claim(engines: Engines, passed_over: Collection[str]) -> tuple[str, str, int, str, int]:
    """The bindings that say what may be claimed: not whose, and for which engines, which are named twice."""
    meant = _encode_json(sorted(engines.named)).decode(), int(engines.others)
    return (_encode_json(sorted(passed_over)).decode(), *meant, *meant)


def from_request(request: GenerationRequest) -> str:
    """A request as JSON text. Raises `TypeError` for a picture that was not put in storage first."""
    kept = _Request(
        prompt=request.prompt,
        seconds=request.seconds,
        resolution=request.resolution,
        model=request.model,
        frame0=_from_keyframe(request.frame0),
        frame1=_from_keyframe(request.frame1),
        aspect_ratio=request.aspect_ratio,
        loop=request.loop,
        seed=request.seed,
        concepts=request.concepts,
        callback_url=request.callback_url,
        purpose=request.purpose,
        source=request.source,
        source_url=request.source_url,
        placement=request.placement,
        negative_prompt=request.negative_prompt,
    )
    return _encode_json(kept).decode()


def to_request(text: str) -> GenerationRequest:
    """The request that was kept as `text`."""
    kept = _decode_request(text)
    return _restored(
        GenerationRequest,
        {
            "prompt": kept.prompt,
            "frame0": _to_keyframe(kept.frame0),
            "frame1": _to_keyframe(kept.frame1),
            "aspect_ratio": kept.aspect_ratio,
            "loop": kept.loop,
            "seconds": kept.seconds,
            "resolution": kept.resolution,
            "seed": kept.seed,
            "concepts": kept.concepts,
            "callback_url": kept.callback_url,
            "model": kept.model,
            "purpose": kept.purpose,
            "source": kept.source,
            "source_url": kept.source_url,
            "placement": kept.placement,
            "negative_prompt": kept.negative_prompt,
            "fps": None,
            "frame_count": None,
        },
    )


def _from_keyframe(keyframe: Keyframe | None) -> _Image | _Stored | _Earlier | None:
    match keyframe:
        case None:
            return None
        case ImageKeyframe(url):
            return _Image(url)
        case StoredKeyframe(key):
            return _Stored(key)
        case GenerationKeyframe(id_):
            return _Earlier(id_)
        case InlineKeyframe():
            raise TypeError("an inline picture is kept in object storage, not in a row")


def _to_keyframe(kept: _Image | _Stored | _Earlier | None) -> Keyframe | None:
    # In the order of how many there are: a pattern that is matched costs twice as much.
    if kept is None:
        return None
    if isinstance(kept, _Image):
        return ImageKeyframe(kept.url)
    if isinstance(kept, _Stored):
        return StoredKeyframe(kept.key)
    return GenerationKeyframe(kept.id)


def to_line(row: Row) -> Line:
    """A subscription's queue, from its columns in the order of `statements`."""
    queued, turn, since = row
    return Line(queued, turn, to_time(since))


def from_line(line: Line) -> Bindings:
    """The bindings of a subscription's queue."""
    return {"queued": line.queued, "turn": line.turn, "turn_since": microseconds(line.since)}


def from_upload(upload: Upload) -> Bindings:
    """The bindings of an upload's whole row."""
    return {
        "id": upload.id,
        "subscription_id": upload.subscription_id,
        "key": upload.key,
        "size": upload.size,
        "expires_at": microseconds(upload.expires_at),
    }


def to_upload(row: Row) -> Upload:
    """An upload, from its columns in the order of `statements`."""
    id_, subscription_id, key, size, expires_at = row
    return Upload(id_, subscription_id, key, size, to_time(expires_at))
