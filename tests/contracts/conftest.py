"""Every adapter of a port, for the contract tests of the port."""

import itertools
import urllib.request

import pytest

from stillmotion.adapters.objects import open_objects
from stillmotion.adapters.store.sqlite import open_store
from stillmotion.testing.memory_store import MemoryStore
from tests.builders import ManualClock, a_key, a_product, a_subscription

S3_KEYS = {"region": "us-east-1", "access_key_id": "test", "secret_access_key": "test"}
BUCKETS = itertools.count()


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def told():
    """The generations that the store announces, each as it was announced."""
    return []


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path, clock, told):
    """Every store port in one object, empty."""
    database = tmp_path / "stillmotion.db"
    in_memory = request.param == "memory"
    opened = MemoryStore(clock, told.append) if in_memory else open_store(database, clock, told.append)
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


@pytest.fixture(scope="session")
def s3_options():
    """Options for an S3 server on loopback."""
    server_of = pytest.importorskip("moto.server", reason="moto[s3], flask and flask-cors are not installed")
    server = server_of.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield S3_KEYS | {"endpoint": f"http://{host}:{port}"}
    server.stop()


@pytest.fixture
def new_bucket(s3_options):
    """The name of an empty bucket."""
    name = f"bucket-{next(BUCKETS)}"
    request = urllib.request.Request(f"{s3_options['endpoint']}/{name}", method="PUT")
    urllib.request.urlopen(request, timeout=10).close()
    return name


@pytest.fixture
def bucket(new_bucket, s3_options, tmp_path):
    """An S3 store of its own, from a URL and options in the form of the settings."""
    return open_objects(f"s3://{new_bucket}/some/prefix", tmp_path, s3_options)


@pytest.fixture(params=["local", "s3"])
def objects(request, tmp_path):
    if request.param == "s3":
        return request.getfixturevalue("bucket")
    return open_objects("local", tmp_path / "objects of ours, 100%")
