"""A product's terms on the wire, for the administration and for its subscriptions."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from stillmotion.domain.request import Resolution
from stillmotion.domain.subscriptions import Product


class ProductInfo(Struct, frozen=True):
    """A product with its terms; null stands for all, or for no limit."""

    name: str
    surfaces: tuple[str, ...] | None
    models: tuple[str, ...] | None
    resolutions: tuple[Resolution, ...] | None
    max_seconds: float | None
    submits_per_minute: int
    reads_per_minute: int
    concurrent_generations: int
    video_seconds_per_month: int | None
    price_per_second: float
    retention_days: int | None


def product_info(known: Product) -> ProductInfo:
    """A product's terms as they are told."""
    return ProductInfo(
        name=known.name,
        surfaces=_listed(known.surfaces),
        models=_listed(known.models),
        resolutions=_listed(known.resolutions),
        max_seconds=known.max_seconds,
        submits_per_minute=known.submits_per_minute,
        reads_per_minute=known.reads_per_minute,
        concurrent_generations=known.concurrent_generations,
        video_seconds_per_month=known.video_seconds_per_month,
        price_per_second=float(known.price_per_second),
        retention_days=known.retention_days,
    )


def _listed(names: Iterable[Any] | None) -> tuple[Any, ...] | None:
    return None if names is None else tuple(sorted(names))
