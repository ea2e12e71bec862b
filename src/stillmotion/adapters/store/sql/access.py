"""Products, subscriptions and keys in SQL."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from stillmotion.adapters.store.sql.connections import Connection, Reader, Writer
from stillmotion.adapters.store.sql.generation_rows import Bindings, Row, maybe_microseconds, microseconds, to_time
from stillmotion.adapters.store.sql.queries import access, holds
from stillmotion.domain.errors import InvalidRequest, Problem, ProductNotFound, SubscriptionNotFound
from stillmotion.domain.request import Resolution
from stillmotion.domain.subscriptions import (
    Key,
    KeySlot,
    Product,
    RetiredSecret,
    Subscription,
    SubscriptionState,
    Usage,
)

KEY_COLUMNS = 8
_OF_SLOT = ("digest", "subscription_id", "slot")


class SqlSubscriptions:
    """`AccessStore` and `SubscriptionStore`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self.writer = writer
        self._reader = reader

    async def find_subscription(self, key_digest: bytes) -> tuple[Subscription, Key] | None:
        """See `AccessStore.find_subscription`."""
        rows = await self._reader.rows(access.FIND_BY_KEY, (key_digest,))
        if not rows:
            return None
        # The statement selects the key's columns first, then the subscription's with its product's.
        row = rows[0]
        return to_subscription(row[KEY_COLUMNS:]), to_key(row[:KEY_COLUMNS])

    async def access_version(self) -> int:
        """See `AccessStore.access_version`. Triggers count, so that no change is forgotten."""
        return int((await self._reader.rows(access.ACCESS_VERSION))[0][0])

    async def add_product(self, product: Product) -> None:
        """See `SubscriptionStore.add_product`."""

        def operation(connection: Connection) -> None:
            connection.execute(access.INSERT_PRODUCT, from_product(product))
            if connection.changes() == 0:
                raise InvalidRequest(Problem("product", f"there is a product called {product.name} already"))

        await self.writer.run(operation)

    async def find_product(self, name: str) -> Product | None:
        """See `SubscriptionStore.find_product`."""
        rows = await self._reader.rows(access.FIND_PRODUCT, (name,))
        return to_product(rows[0]) if rows else None

    async def products(self) -> Sequence[Product]:
        """See `SubscriptionStore.products`."""
        return [to_product(row) for row in await self._reader.rows(access.ALL_PRODUCTS)]

    async def change_product(self, name: str, change: Callable[[Product], Product]) -> Product:
        """See `SubscriptionStore.change_product`."""

        def operation(connection: Connection) -> Product:
            connection.hold(holds.HOLD_ACCESS)
            row = connection.execute(access.FIND_PRODUCT, (name,)).get
            if row is None:
                raise ProductNotFound(name)
            changed = change(to_product(row))
            connection.execute(access.UPDATE_PRODUCT, from_product(changed))
            return changed

        return await self.writer.run(operation)

    async def add_subscription(self, subscription: Subscription, keys: Sequence[Key]) -> None:
        """See `SubscriptionStore.add_subscription`."""

        def operation(connection: Connection) -> None:
            connection.execute(access.INSERT_SUBSCRIPTION, from_subscription(subscription))
            for key in keys:
                connection.execute(access.INSERT_KEY, from_key(key))

        await self.writer.run(operation)

    async def subscriptions(self) -> Sequence[tuple[Subscription, Sequence[Key]]]:
        """See `SubscriptionStore.subscriptions`."""
        keys: defaultdict[str, list[Key]] = defaultdict(list)
        found = [to_subscription(row) for row in await self._reader.rows(access.ALL_SUBSCRIPTIONS)]
        for row in await self._reader.rows(access.ALL_KEYS):
            key = to_key(row)
            keys[key.subscription_id].append(key)
        return [(subscription, keys[subscription.id]) for subscription in found]

    async def find_with_keys(self, subscription_id: str) -> tuple[Subscription, Sequence[Key]] | None:
        """See `SubscriptionStore.find_with_keys`."""
        rows = await self._reader.rows(access.FIND_SUBSCRIPTION, (subscription_id,))
        keys = await self._reader.rows(access.FIND_KEYS, (subscription_id,))
        return (to_subscription(rows[0]), [to_key(row) for row in keys]) if rows else None

    async def change_subscription(
        self, subscription_id: str, change: Callable[[Subscription], Subscription]
    ) -> Subscription:
        """See `SubscriptionStore.change_subscription`."""

        def operation(connection: Connection) -> Subscription:
            connection.hold(holds.HOLD_ACCESS)
            row = connection.execute(access.FIND_SUBSCRIPTION, (subscription_id,)).get
            if row is None:
                raise SubscriptionNotFound(subscription_id)
            changed = change(to_subscription(row))
            connection.execute(access.UPDATE_SUBSCRIPTION, from_subscription(changed))
            return changed

        return await self.writer.run(operation)

    async def replace_key(self, key: Key, until: datetime | None = None, session: bytes | None = None) -> None:
        """See `SubscriptionStore.replace_key`."""
        bindings, slot = from_key(key), (key.subscription_id, key.slot.value)

        def operation(connection: Connection) -> None:
            connection.hold(holds.HOLD_ACCESS)
            if connection.execute(access.SUBSCRIPTION_EXISTS, (key.subscription_id,)).get is None:
                raise SubscriptionNotFound(key.subscription_id)
            if session is not None:
                connection.execute(
                    access.MOVE_SESSION, {name: bindings[name] for name in _OF_SLOT} | {"session": session}
                )
            if until is None:
                connection.execute(access.END_KEYS, slot)
            else:
                connection.execute(access.END_REPLACED_KEY, slot)
                connection.execute(access.LET_KEY_GO_ON, (microseconds(until), *slot))
            connection.execute(access.INSERT_KEY, bindings)

        await self.writer.run(operation)

    async def note_uses(self, uses: Mapping[bytes, datetime]) -> None:
        """See `AccessStore.note_uses`."""

        def operation(connection: Connection) -> None:
            connection.hold(holds.HOLD_ACCESS)
            for digest, at in uses.items():
                connection.execute(access.NOTE_USE, (microseconds(at), digest))

        await self.writer.run(operation)

    async def rename_keys(self, digests: Mapping[bytes, bytes], mark: bytes) -> None:
        """See `AccessStore.rename_keys`."""

        def operation(connection: Connection) -> None:
            for before, digest in digests.items():
                connection.execute(access.RENAME_KEY, (digest, mark, before))
                connection.execute(access.RENAME_KEY_OF_SESSIONS, (digest, before))

        await self.writer.run(operation)

    async def usage(self, subscription_id: str, period: str) -> Usage:
        """See `SubscriptionStore.usage`."""
        rows = await self._reader.rows(access.FIND_USAGE, (period, subscription_id))
        if not rows:
            return Usage(0.0, 0, 0)
        unfinished, queued, video_spent, window_began, submits = rows[0]
        # A period without a generation has no row of quotas.
        return Usage((video_spent or 0) / 1_000_000, unfinished, queued, to_time(window_began), submits)


_encode_json = msgspec.json.Encoder().encode

_decode_names = msgspec.json.Decoder(frozenset[str]).decode

_decode_resolutions = msgspec.json.Decoder(frozenset[Resolution]).decode


def from_product(product: Product) -> Bindings:
    """The bindings of a product's whole row."""
    return {
        "id": product.id,
        "name": product.name,
        "surfaces": _from_names(product.surfaces),
        "models": _from_names(product.models),
        "resolutions": _from_names(product.resolutions),
        "max_seconds": product.max_seconds,
        "submits_per_minute": product.submits_per_minute,
        "reads_per_minute": product.reads_per_minute,
        "concurrent_generations": product.concurrent_generations,
        "video_seconds_per_month": product.video_seconds_per_month,
        "price_per_second": str(product.price_per_second),
        "retention_days": product.retention_days,
    }


def to_product(row: Row) -> Product:
    """A product, from its columns in the order of `queries`."""
    (
        id_, name, surfaces, models, resolutions, max_seconds, submits, reads, concurrent, video_seconds, price, days
    ) = row  # fmt: skip
    return Product(
        id=id_,
        name=name,
        surfaces=None if surfaces is None else _decode_names(surfaces),
        models=None if models is None else _decode_names(models),
        resolutions=None if resolutions is None else _decode_resolutions(resolutions),
        max_seconds=max_seconds,
        submits_per_minute=submits,
        reads_per_minute=reads,
        concurrent_generations=concurrent,
        video_seconds_per_month=video_seconds,
        price_per_second=Decimal(price),
        retention_days=days,
    )


def _from_names(names: Iterable[str] | None) -> str | None:
    return None if names is None else _encode_json(sorted(names)).decode()


def from_subscription(subscription: Subscription) -> Bindings:
    """The bindings of a subscription's whole row."""
    retired = subscription.retired_secret
    return {
        "id": subscription.id,
        "name": subscription.name,
        "product_id": subscription.product.id,
        "created_at": microseconds(subscription.created_at),
        "callback_secret": subscription.callback_secret,
        "state": subscription.state.value,
        "expires_at": maybe_microseconds(subscription.expires_at),
        "retired_secret": None if retired is None else retired.secret,
        "retired_secret_until": None if retired is None else microseconds(retired.until),
    }


def to_subscription(row: Row) -> Subscription:
    """A subscription, from its columns and its product's in the order of `queries`."""
    id_, name, created_at, callback_secret, state, expires_at, retired, retired_until, *product = row
    return Subscription(
        id_,
        name,
        to_product(tuple(product)),
        to_time(created_at),
        callback_secret,
        SubscriptionState(state),
        None if expires_at is None else to_time(expires_at),
        to_retired_secret(retired, retired_until),
    )


def to_retired_secret(secret: str | None, until: int | None) -> RetiredSecret | None:
    """The replaced callback secret of a subscription, if it has one."""
    return None if secret is None or until is None else RetiredSecret(secret, to_time(until))


def from_key(key: Key) -> Bindings:
    """The bindings of a key's whole row."""
    return {
        "digest": key.digest,
        "prefix": key.prefix,
        "slot": key.slot.value,
        "subscription_id": key.subscription_id,
        "created_at": microseconds(key.created_at),
        "expires_at": maybe_microseconds(key.expires_at),
        "used_at": maybe_microseconds(key.used_at),
        "mark": key.mark,
    }


def to_key(row: Row) -> Key:
    """A key, from its columns in the order of `queries`."""
    digest, prefix, slot, subscription_id, created_at, expires_at, used_at, mark = row
    expires, used = (None if each is None else to_time(each) for each in (expires_at, used_at))
    return Key(digest, prefix, KeySlot(slot), subscription_id, to_time(created_at), expires, used, bytes(mark))
