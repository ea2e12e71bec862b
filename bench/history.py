"""A data directory with a past: completed generations of many subscriptions, written straight into the tables.

The rows are made by the store's own code. Only their insertion takes a short cut: no fsync until the end.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from random import Random

import apsw

from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.directory.data_directory import open_data_directory
from stillmotion.adapters.identifiers import new_uuid7
from stillmotion.adapters.store.sql.generation_rows import Bindings, from_generation, microseconds, place_of
from stillmotion.adapters.store.sql.queries.generations import INSERT_GENERATION
from stillmotion.adapters.store.sql.queries.history import INSERT_ENTRY
from stillmotion.composition.administration import administration
from stillmotion.composition.installation import Missing
from stillmotion.config import Settings
from stillmotion.domain.assets import Asset, AssetKind, Assets
from stillmotion.domain.generation import Generation
from stillmotion.domain.lifecycle import State
from stillmotion.domain.request import FrameSize, GenerationRequest, Keyframe
from stillmotion.domain.subscriptions import Product

PLENTY = 1_000_000_000
"""A limit that no figure comes near."""

PICTURE = "https://storage.googleapis.com/imagesai.appypie.com/testing/00034_00.jpg"
PROMPT = "leaning girl"
"""The founding document's example."""

BATCH = 20_000
"""Rows in a transaction, few enough for checkpoints of the log along the way."""


@dataclass(frozen=True, slots=True)
class History:
    """The contents of a filled data directory: ids of generations, keys of subscriptions.

    Generation `n` belongs to the subscription with key `n % len(keys)`.
    """

    data_dir: Path
    ids: tuple[str, ...]
    keys: tuple[str, ...]
    seconds_to_build: float

    def key_of(self, index: int) -> str:
        """The key that may read generation number `index`."""
        return self.keys[index % len(self.keys)]


async def write_history(data_dir: Path, generations: int, subscriptions: int = 50) -> History:
    """Fill a new data directory; about 20 µs and 0.8 kB a generation."""
    began = time.perf_counter()
    issued = await _issue(Settings(data_dir=data_dir), subscriptions)
    ids = tuple(new_uuid7() for _ in range(generations))
    _insert(open_data_directory(data_dir).database, _rows(ids, [owner for owner, _ in issued]))
    return History(data_dir, ids, tuple(key for _, key in issued), time.perf_counter() - began)


async def _issue(settings: Settings, count: int) -> list[tuple[str, str]]:
    """New subscriptions of one product without limits: each one's id and key."""
    with administration(settings, Missing.MAKE) as office:
        product = await office.products.ensure(unlimited(new_uuid7()))
        issued = [await office.subscriptions.issue(product.name, f"customer {number}") for number in range(count)]
    return [(each.subscription.id, each.primary) for each in issued]


def unlimited(product_id: str) -> Product:
    """A product without limits."""
    return Product(
        product_id,
        "bench",
        submits_per_minute=PLENTY,
        reads_per_minute=PLENTY,
        concurrent_generations=PLENTY,
    )


def queued(generation_id: str, subscription_id: str, now: datetime) -> Generation:
    """A generation as the founding document's example submits it."""
    request = GenerationRequest(PROMPT, Keyframe(url=PICTURE))
    return Generation(generation_id, subscription_id, "gateway", request, "parallax/1", now)


def _rows(ids: tuple[str, ...], owners: list[str]) -> Iterator[Bindings]:
    """One row made by the store's own code, then copies of it with the differing values replaced."""
    first = SystemClock().now().astimezone(UTC) - timedelta(days=30)
    template = from_generation(_completed(queued(ids[0], owners[0], first)))
    request = str(template["request"])
    start, step = microseconds(first), 30 * 86_400_000_000 // len(ids)
    tokens = Random(1)
    for number, generation_id in enumerate(ids):
        owner = owners[number % len(owners)]
        token = f"{tokens.getrandbits(256):064x}"
        created_at, place = start + number * step, place_of(owner, generation_id)
        yield template | {
            "id": generation_id,
            "place": place,
            "subscription_id": owner,
            "request": request.replace(PROMPT, f"{PROMPT} {number}"),
            "created_at": created_at,
            "started_at": created_at + 1_000_000,
            "finished_at": created_at + 6_000_000,
            "video_key": f"generations/{generation_id}/{token[:43]}.mp4",
            "video_digest": token,
            "thumbnail_key": f"generations/{generation_id}/{token[21:]}.jpg",
            "thumbnail_digest": token,
            "poster_key": f"generations/{generation_id}/{token[11:54]}.jpg",
            "poster_digest": token,
            "preview_video_key": f"generations/{generation_id}/{token[7:50]}.mp4",
            "preview_video_digest": token,
            "sequence": place,
            "model": GenerationRequest.model,
            "text": f"{PROMPT} {number}",
        }


def _completed(generation: Generation) -> Generation:
    """The same as the engine of the installation leaves it: no seed, and excerpts beside the clip."""
    assets = Assets(
        Asset(AssetKind.VIDEO, "generations/0.mp4", 1_500_000, "0" * 64),
        Asset(AssetKind.THUMBNAIL, "generations/0.jpg", 60_000, "0" * 64),
        Asset(AssetKind.POSTER, "generations/0.jpg", 12_000, "0" * 64),
        Asset(AssetKind.PREVIEW_VIDEO, "generations/0.mp4", 90_000, "0" * 64),
    )
    plan = '{"moves":["push_in"],"subject":"lean","ignored":[]}'
    return replace(
        generation,
        state=State.COMPLETED,
        attempt=1,
        progress=1.0,
        assets=assets,
        plan=plan,
        started_at=generation.created_at + timedelta(seconds=1),
        finished_at=generation.created_at + timedelta(seconds=6),
        size=FrameSize(1280, 720),
        cost=Decimal(0),
    )


def _insert(database: Path, rows: Iterator[Bindings]) -> None:
    connection = apsw.Connection(str(database))
    try:
        connection.pragma("synchronous", "off")
        connection.pragma("cache_size", -262_144)
        while batch := list(islice(rows, BATCH)):
            with connection:
                connection.executemany(INSERT_GENERATION, batch)
                connection.executemany(INSERT_ENTRY, batch)
        connection.pragma("synchronous", "full")
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    finally:
        connection.close()
