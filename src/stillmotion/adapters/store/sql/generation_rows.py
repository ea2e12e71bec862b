"""Conversions between rows and the domain's values: generations, their queue, uploads."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final
from zlib import crc32

import msgspec

from stillmotion.application.ports.store import Engines
from stillmotion.domain.assets import Asset, AssetKind, Assets
from stillmotion.domain.fairness import Line
from stillmotion.domain.generation import Generation, GenerationView, WorkStage
from stillmotion.domain.history.metadata import NONE, text_of
from stillmotion.domain.lifecycle import State
from stillmotion.domain.request import FrameSize, GenerationRequest, Keyframe
from stillmotion.domain.uploads import Upload

Row = tuple[Any, ...]
Bindings = dict[str, str | int | float | bytes | None]
Claim = tuple[str, str, int, str, int]
"""Bindings of the claim query."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
COST_PARTS: Final = 1_000_000
"""Parts of the operator's unit that a stored cost counts: integers, so that sums stay exact."""

_OWN_BITS: Final = (1 << 21) - 1
_LARGEST_PLACE: Final = (1 << 63) - 1

_ALWAYS_WRITTEN: Final = frozenset({"seconds", "resolution", "model"})
"""Fields that are written even where they have their defaults: a later default must not change an earlier request."""
_DEFAULTS: Final = {each.name: each.default for each in fields(GenerationRequest)}
_KEYFRAME_TYPES: Final = {"url": "image", "key": "stored", "id": "generation"}
"""The `type` in a stored keyframe's JSON, by the field that is set. Earlier versions tell keyframes apart by it."""

_STATES: Final[Mapping[str, State]] = {state.value: state for state in State}
_QUEUED: Final = State.QUEUED.value

_encode_json = msgspec.json.Encoder().encode
# msgspec fills the dataclasses themselves and passes over names that they lack, such as a keyframe's `type`.
to_request = msgspec.json.Decoder(GenerationRequest).decode
_decode_pairs = msgspec.json.Decoder(dict[str, str]).decode
_NO_PAIRS: Final = text_of(NONE)
_ASSET_PARTS: Final = ("key", "size", "digest")
_NO_ASSETS: Mapping[str, None] = {f"{kind}_{part}": None for kind in AssetKind for part in _ASSET_PARTS}


def microseconds(time: datetime) -> int:
    """A stored time: microseconds since 1970 in UTC."""
    return (time - _EPOCH) // _MICROSECOND


def maybe_microseconds(time: datetime | None) -> int | None:
    """A stored time, or None for none."""
    return None if time is None else microseconds(time)


def to_time(value: int) -> datetime:
    """The time of a stored value."""
    return _EPOCH + value * _MICROSECOND


def video_microseconds(seconds: float) -> int:
    """A stored length of video, in microseconds."""
    return round(seconds * 1_000_000)


def place_of(subscription_id: str, generation_id: str) -> int | None:
    """Row number (`sequence`) for a generation, computed from its id so that a read needs no index.

    The row is stored there if the number is free. It holds 42 bits of the UUIDv7's milliseconds, which wrap in 2109,
    and then 21 bits: those that our ids count up in within a millisecond, plus a checksum of the subscription. So new
    rows come last, also those of one millisecond but for a carry of these bits, and a look-up never reads another
    subscription's row. None for an id that is not hexadecimal.
    """
    try:
        value = int(generation_id.replace("-", ""), 16)
    except ValueError:
        return None
    owner = crc32(subscription_id.encode())
    return (value >> 80 << 21 | (value >> 24) + owner & _OWN_BITS) & _LARGEST_PLACE


def from_generation(generation: Generation) -> Bindings:
    """Bindings of a whole row."""
    return from_progress(generation) | {
        "place": place_of(generation.subscription_id, generation.id),
        "subscription_id": generation.subscription_id,
        "surface": generation.surface,
        "request": from_request(generation.request),
        "created_at": microseconds(generation.created_at),
        "metadata": text_of(generation.metadata),
        "retry_of": generation.retry_of,
        "key": generation.key,
        "traceparent": generation.traceparent,
    }


def from_progress(generation: Generation) -> Bindings:
    """Bindings of the columns that can change, and the id."""
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
        "started_at": maybe_microseconds(generation.started_at),
        "stage": None if generation.stage is None else generation.stage.value,
        "seed": generation.seed,
        "width": None if generation.size is None else generation.size.width,
        "height": None if generation.size is None else generation.size.height,
        "cost": None if generation.cost is None else round(generation.cost * COST_PARTS),
        **_NO_ASSETS,
        **_from_assets(generation.assets or ()),
    }


def _from_assets(assets: Iterable[Asset | None]) -> Bindings:
    kept = [asset for asset in assets if asset is not None]
    return {f"{each.kind}_{part}": getattr(each, part) for each in kept for part in _ASSET_PARTS}


def _to_assets(*columns: Any) -> Assets | None:
    """The assets of a finished generation, from three columns each."""
    three = (columns[place : place + len(_ASSET_PARTS)] for place in range(0, len(columns), len(_ASSET_PARTS)))
    each = zip(AssetKind, three, strict=True)
    found = {kind.value: Asset(kind, *parts) for kind, parts in each if parts[0] is not None}
    return Assets(**found) if found else None


def to_generation(row: Row) -> Generation:
    """A generation, from its columns in the order of `queries`."""
    (
        id_, subscription_id, surface, request, engine, created_at, state, attempt, failures, progress, lease_until,
        failure_code, failure_reason, plan, finished_at, remote, losses, preview, started_at, stage, seed, width,
        height, cost, metadata, retry_of, key, traceparent, *assets,
    ) = row  # fmt: skip
    return Generation(
        id=id_,
        subscription_id=subscription_id,
        surface=surface,
        request=to_request(request),
        engine=engine,
        created_at=to_time(created_at),
        state=State(state),
        attempt=attempt,
        failures=failures,
        progress=progress,
        lease_until=None if lease_until is None else to_time(lease_until),
        failure_code=failure_code,
        failure_reason=failure_reason,
        assets=_to_assets(*assets),
        plan=plan,
        finished_at=None if finished_at is None else to_time(finished_at),
        remote=remote,
        losses=losses,
        preview=preview,
        started_at=None if started_at is None else to_time(started_at),
        stage=None if stage is None else WorkStage(stage),
        seed=seed,
        size=None if width is None else FrameSize(width, height),
        cost=None if cost is None else _to_cost(cost),
        metadata=to_metadata(metadata),
        retry_of=retry_of,
        key=key,
        traceparent=traceparent,
    )


def to_view(row: Row) -> GenerationView:
    """The owner's view of a generation, from its columns in the order of `queries`."""
    (
        id_, request, engine, created_at, state, progress, failure_code, failure_reason, video, thumbnail, finished_at,
        started_at, stage, preview, seed, width, height, cost, metadata, retry_of, poster, preview_video,
    ) = row  # fmt: skip
    # By place, not by name: every poll makes one, and names take a fifth longer.
    return GenerationView(
        id_,
        to_request(request),
        engine,
        to_time(created_at),
        _STATES[state],
        progress,
        failure_code,
        failure_reason,
        video,
        thumbnail,
        None if finished_at is None else to_time(finished_at),
        None if started_at is None else to_time(started_at),
        WorkStage.WAITING if state == _QUEUED else None if stage is None else WorkStage(stage),
        preview,
        seed,
        None if width is None else _to_size(width, height),
        None if cost is None else _to_cost(cost),
        None,
        None,
        to_metadata(metadata),
        retry_of,
        poster,
        preview_video,
    )


@lru_cache(maxsize=64)
def _to_size(width: int, height: int) -> FrameSize:
    """Frame of a clip. A poll needs one, and there are few."""
    return FrameSize(width, height)


@lru_cache(maxsize=256)
def _to_cost(parts: int) -> Decimal:
    return Decimal(parts) / COST_PARTS


def to_metadata(text: str) -> Mapping[str, str]:
    """The metadata of a generation. Most have none."""
    return NONE if text == _NO_PAIRS else _decode_pairs(text)


def objects_of(row: Row) -> list[str]:
    """Keys of all objects that a generation names: those in its request, and the other columns."""
    request, *others = row
    return [*to_request(request).stored_keys, *(key for key in others if key is not None)]


def from_claim(engines: Engines, passed_over: Collection[str]) -> Claim:
    """Bindings of the claim query: the subscriptions passed over, then the engines, which it names twice."""
    meant = _encode_json(sorted(engines.named)).decode(), int(engines.others)
    return (_encode_json(sorted(passed_over)).decode(), *meant, *meant)


def from_request(request: GenerationRequest) -> str:
    """JSON of a request, without the fields that have their defaults.

    Raises `TypeError` for a picture that was not put in object storage first.
    """
    kept = {
        name: _from_keyframe(value) if isinstance(value, Keyframe) else value
        for name, default in _DEFAULTS.items()
        if (value := getattr(request, name)) != default or name in _ALWAYS_WRITTEN
    }
    return _encode_json(kept).decode()


def _from_keyframe(keyframe: Keyframe) -> dict[str, str]:
    for name, kind in _KEYFRAME_TYPES.items():
        value = getattr(keyframe, name)
        if value is not None:
            return {"type": kind, name: value}
    raise TypeError("the picture of a stored request is in object storage")


def to_line(row: Row) -> Line:
    """A subscription's place in the queue, from its columns in the order of `queries`."""
    queued, turn, since = row
    return Line(queued, turn, to_time(since))


def from_line(line: Line) -> Bindings:
    """Bindings of a subscription's place in the queue."""
    return {"queued": line.queued, "turn": line.turn, "turn_since": microseconds(line.since)}


def from_upload(upload: Upload) -> Bindings:
    """Bindings of an upload's whole row."""
    return {
        "id": upload.id,
        "subscription_id": upload.subscription_id,
        "key": upload.key,
        "size": upload.size,
        "expires_at": microseconds(upload.expires_at),
    }


def to_upload(row: Row) -> Upload:
    """An upload, from its columns in the order of `queries`."""
    id_, subscription_id, key, size, expires_at = row
    return Upload(id_, subscription_id, key, size, to_time(expires_at))
