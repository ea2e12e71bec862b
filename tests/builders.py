"""Builders of domain objects for tests. Each object is valid as it is, and a test names the parts that matter to it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from stillmotion.adapters.identifiers import new_callback_secret, new_token, new_uuid7
from stillmotion.domain.assets import Asset, AssetKind, Assets
from stillmotion.domain.generation import Generation
from stillmotion.domain.request import GenerationRequest, Keyframe
from stillmotion.domain.subscriptions import Key, KeySlot, Product, Subscription

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
CALLBACK_URL = "https://customer.example/callback"


@dataclass
class ManualClock:
    """A `Clock` that stands still until a test advances it."""

    time: datetime = NOON
    elapsed: float = 0.0

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.elapsed

    def advance(self, **by: float) -> datetime:
        """Advance the clock, as in `advance(seconds=5)`. Returns the new present."""
        step = timedelta(**by)
        self.time += step
        self.elapsed += step.total_seconds()
        return self.time


def a_product(**parts: Any) -> Product:
    return Product(**{"id": new_uuid7(), "name": "default"} | parts)


def a_subscription(product: Product | None = None, **parts: Any) -> Subscription:
    given = {
        "id": new_uuid7(),
        "name": "somebody",
        "product": product or a_product(),
        "created_at": NOON,
        "callback_secret": new_callback_secret(),
    }
    return Subscription(**given | parts)


def a_key(subscription: Subscription, slot: KeySlot = KeySlot.PRIMARY, **parts: Any) -> Key:
    given = {
        "digest": new_token().encode()[:32],
        "prefix": "sm_abcdef",
        "slot": slot,
        "subscription_id": subscription.id,
        "created_at": NOON,
    }
    return Key(**given | parts)


def a_request(**parts: Any) -> GenerationRequest:
    frame0 = Keyframe(url="https://storage.googleapis.com/imagesai.appypie.com/testing/00034_00.jpg")
    return GenerationRequest(**{"prompt": "leaning girl", "frame0": frame0} | parts)


def a_generation(subscription: Subscription | None = None, **parts: Any) -> Generation:
    """A valid generation. Keywords may be parts of the request too, as in `a_generation(seconds=9)`."""
    of_request = {name: parts.pop(name) for name in list(parts) if name in GenerationRequest.__dataclass_fields__}
    given = {
        "id": new_uuid7(),
        "subscription_id": (subscription or a_subscription()).id,
        "surface": "gateway",
        "request": a_request(**of_request),
        "engine": "parallax/1",
        "created_at": NOON,
    }
    return Generation(**given | parts)


def some_assets(generation_id: str = "made") -> Assets:
    folder = f"generations/{generation_id}"
    return Assets(
        Asset(AssetKind.VIDEO, f"{folder}/v.mp4", 1_234_567, "ab" * 32),
        Asset(AssetKind.THUMBNAIL, f"{folder}/t.jpg", 23_456, "cd" * 32),
        Asset(AssetKind.POSTER, f"{folder}/p.jpg", 3_456, "ef" * 32),
        Asset(AssetKind.PREVIEW_VIDEO, f"{folder}/c.mp4", 45_678, "01" * 32),
    )
