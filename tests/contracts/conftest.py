"""Every adapter of a port, for the contract tests of the port."""

import pytest

from stillmotion.adapters.store import postgresql
from stillmotion.adapters.store.sqlite import open_store
from stillmotion.testing.memory_store import MemoryStore
from tests import databases
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
        case "postgresql":
            opened = postgresql.open_store(databases.emptied(databases.store_url()), clock, told.append)
        case "postgresql-18":
            opened = postgresql.open_store(databases.emptied(databases.store_url(18)), clock, told.append)
        case "postgresql-pooled":
            url = databases.pooled(databases.emptied(databases.store_url()))
            opened = postgresql.open_store(url, clock, told.append)
    yield opened
    opened.close()


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
