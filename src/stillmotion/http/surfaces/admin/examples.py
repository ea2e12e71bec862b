"""Examples of the administration in the API reference."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from stillmotion.domain.request import Resolution
from stillmotion.http.resources.product_info import ProductInfo
from stillmotion.http.surfaces.admin import wire

_ID: Final = "019a9d3e-7a54-7c3b-9a53-6f2f6f1f2a10"

NEW_PRODUCT: Mapping[str, Any] = {
    "name": "basic",
    "models": ["ray-1-6"],
    "resolutions": ["540p", "720p"],
    "max_seconds": 5,
    "video_seconds_per_month": 3600,
    "price_per_second": 0.02,
    "retention_days": 30,
}

PRODUCT: Final = ProductInfo(
    name="basic",
    surfaces=None,
    models=("ray-1-6",),
    resolutions=(Resolution.P540, Resolution.P720),
    max_seconds=5.0,
    submits_per_minute=60,
    reads_per_minute=6000,
    concurrent_generations=100,
    video_seconds_per_month=3600,
    price_per_second=0.02,
    retention_days=30,
)

LISTED_SUBSCRIPTION: Final = wire.SubscriptionInfo(
    id=_ID,
    name="Ada's shop",
    product="basic",
    state="active",
    created_at=datetime(2026, 11, 22, 12, tzinfo=UTC),
    expires_at=None,
    keys={"primary": "sm_Hq3x0a…", "secondary": "sm_9fZk2L…"},
)

SUBSCRIPTION: Final = msgspec.structs.replace(
    LISTED_SUBSCRIPTION, usage=wire.UsageInfo(video_seconds=125.0, unfinished=2, queued=1)
)

ISSUED: Final = wire.IssuedSubscription(
    subscription=_ID,
    name="Ada's shop",
    product="basic",
    key="sm_…",
    secondary_key="sm_…",
    callback_secret="whsec_…",  # noqa: S106 - it stands for one
)

KEY: Final = wire.IssuedKey(subscription=_ID, slot="secondary", key="sm_…")
