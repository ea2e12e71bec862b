"""Every adapter of a port, for the contract tests of the port."""

import pytest

from stillmotion.adapters.store.sqlite import open_store
from stillmotion.testing.memory_store import MemoryStore
from tests.builders import ManualClock, a_key, a_product, a_subscription
from tests.contracts.holding import holding


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def told():
    """The generations that the store announces, each as it was announced."""
    return []


@pytest.fixture(
    params=[
        "memory",
        "sqlite",
        "postgresql",
        pytest.param("postgresql-18", marks=pytest.mark.slow),
        pytest.param("postgresql-pooled", marks=pytest.mark.slow),
    ]
)
def store(request, tmp_path, clock, told):
    """Every store port in one object, empty."""
    match request.param:
        case "memory":
            opened = MemoryStore(clock, told.append)
        case "sqlite":
            opened = holding(open_store(tmp_path / "stillmotion.db", clock, told.append))
        case _:
            opened = _over_postgresql(request.param, clock, told.append)
    yield opened
    opened.close()


def _over_postgresql(kind, clock, told):
    """A store over the machine's own PostgreSQL, over 18 in a role that owns no table, or behind a pooler."""
    pytest.importorskip("psycopg", reason="psycopg, of the extra postgres, is not installed")
    from stillmotion.adapters.store import postgresql  # noqa: PLC0415 - the driver may be absent
    from tests import databases  # noqa: PLC0415 - as above

    url = databases.emptied(databases.store_url(18 if kind == "postgresql-18" else None))
    if kind == "postgresql-18":
        url = databases.lesser(url)
    if kind == "postgresql-pooled":
        url = databases.pooled(url)
    return postgresql.open_store(url, clock, told)


@pytest.fixture
def url():
    """An empty PostgreSQL database."""
    from tests import databases  # noqa: PLC0415 - the driver may be absent

    return databases.emptied(databases.store_url())


@pytest.fixture
def beside(url):
    """A connection of somebody else to that database."""
    import psycopg  # noqa: PLC0415 - as above

    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def database(tmp_path):
    return tmp_path / "stillmotion.db"


@pytest.fixture
def sqlite(database, clock):
    opened = open_store(database, clock)
    yield opened
    opened.close()


async def keep_subscription(store, **product):
    """A subscription with both keys, kept in the store. `product` holds fields of its product."""
    generous = {"submits_per_minute": 1000, "concurrent_generations": 1000, "name": "of its own"}
    subscription = a_subscription(a_product(**generous | product))
    await store.add_product(subscription.product)
    await store.add_subscription(subscription, [a_key(subscription)])
    return subscription


@pytest.fixture
async def subscription(store):
    return await keep_subscription(store)
