"""Two S3 servers for tests: moto, which is quick and knows every bucket, and SeaweedFS, which checks signatures."""

import itertools
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from stillmotion.adapters.objects import open_objects
from tests.seaweedfs import SeaweedFS

S3_KEYS = {"region": "us-east-1", "access_key_id": "test", "secret_access_key": "test"}
PLACES = itertools.count()


@dataclass(frozen=True)
class S3Server:
    """An S3 server on loopback: the options of the settings, and the maker of empty buckets."""

    options: dict[str, str]
    new_place: Callable[[], str]

    @property
    def administration(self) -> dict[str, str]:
        """The options with a key that may do everything."""
        return self.options


@pytest.fixture(scope="session")
def moto():
    """An S3 server that knows every bucket and checks no signature."""
    server_of = pytest.importorskip("moto.server", reason="moto[s3], flask and flask-cors are not installed")
    server = server_of.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield S3Server(S3_KEYS | {"endpoint": f"http://{host}:{port}"}, lambda: _new_bucket(f"http://{host}:{port}"))
    server.stop()


def _new_bucket(endpoint):
    name = f"bucket-{next(PLACES)}"
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{name}", method="PUT"), timeout=10).close()
    return name


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory):
    """A whole S3 server. A test that kills it starts it again."""
    server = SeaweedFS(tmp_path_factory.mktemp("seaweedfs")).start()
    yield server
    server.kill()


@pytest.fixture(params=["moto", "seaweedfs"])
def s3(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def s3_options(s3):
    return s3.options


@pytest.fixture
def new_bucket(s3):
    """The name of an empty bucket, or of an empty place in one."""
    return s3.new_place()


@pytest.fixture
def bucket(s3, new_bucket, tmp_path):
    """An S3 store of its own, from a URL and options in the form of the settings."""
    return open_objects(f"s3://{new_bucket}/some/prefix", tmp_path, s3.options)


@pytest.fixture(params=["local", "moto", "seaweedfs"])
def objects(request, tmp_path):
    if request.param == "local":
        return open_objects("local", tmp_path / "objects of ours, 100%")
    server = request.getfixturevalue(request.param)
    return open_objects(f"s3://{server.new_place()}/some/prefix", tmp_path, server.options)
