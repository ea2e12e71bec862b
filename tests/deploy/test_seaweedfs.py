"""The bucket of compose.yaml: SeaweedFS by its own command, behind Caddy by its own file."""

import asyncio
import os
import shlex
import shutil
import subprocess
import urllib.request
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from stillmotion.adapters.objects import open_objects
from stillmotion.config import load
from stillmotion.domain.errors import Unavailable
from tests.deploy.deploy_files import CADDYFILE, compose, free_port
from tests.seaweedfs import SeaweedFS
from tests.waiting import eventually

VIDEO = "generations/0199-x/abc_DEF-9.mp4"


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def composed(tmp_path_factory):
    """SeaweedFS as composed, on loopback and in a folder of the test's."""
    service = compose()["services"]["seaweedfs"]
    folder = tmp_path_factory.mktemp("composed")
    server = SeaweedFS(folder, shlex.split(service["command"]), service["environment"]).start()
    yield server
    server.kill()


@pytest.fixture
def behind_caddy(composed, tmp_path):
    """The address of the bucket that browsers and servers use."""
    if shutil.which("caddy") is None:
        pytest.skip("there is no Caddy here")
    port, site = free_port(), free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "SITE": f"http://127.0.0.1:{site}",
        "CLIPS": f"http://127.0.0.1:{port}",
        "BUCKETS": urlsplit(composed.endpoint).netloc,
        "CADDY_ADMIN": f"127.0.0.1:{free_port()}",
    }
    command = ["caddy", "run", "--adapter", "caddyfile", "--config", str(CADDYFILE)]
    with (tmp_path / "caddy.log").open("w") as log:
        caddy = subprocess.Popen(command, env=environment, stderr=log)
    eventually(lambda: answers(f"http://127.0.0.1:{port}/healthz"), about=(tmp_path / "caddy.log").read_text)
    yield f"http://127.0.0.1:{port}"
    caddy.terminate()
    caddy.wait(20)


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def storage(endpoint, tmp_path, **more):
    """The storage of a composed server, at that address."""
    settings, _ = load({name: str(each) for name, each in compose()["services"]["serve-1"]["environment"].items()})
    options = {**settings.storage_options, "endpoint": endpoint, **more}
    return open_objects(settings.storage, tmp_path, options)


async def test_a_clip_is_stored_and_played_through_caddy(behind_caddy, tmp_path):
    """A signature covers the host, so Caddy must leave it as it is."""
    (tmp_path / "made.mp4").write_bytes(clip := os.urandom(20_000_000))
    objects = storage(behind_caddy, tmp_path)
    await objects.check()
    await objects.put_file(VIDEO, str(tmp_path / "made.mp4"))
    assert await objects.create("checks/owner", b"ours") == b"ours"
    assert await objects.create("checks/owner", b"theirs") == b"ours"
    asked = urllib.request.Request(objects.direct_url(VIDEO, timedelta(hours=1)), headers={"Range": "bytes=7-11"})
    assert await asyncio.to_thread(_content, asked) == (206, clip[7:12])


def _content(asked):
    with urllib.request.urlopen(asked, timeout=20) as answer:
        return answer.status, answer.read()


async def test_the_bucket_is_nobody_elses(composed, tmp_path):
    objects = storage(composed.endpoint, tmp_path)
    await objects.put(VIDEO, b"clip")
    assert not answers(f"{composed.endpoint}/clips/{VIDEO}")
    with pytest.raises(Unavailable):
        await storage(composed.endpoint, tmp_path, secret_access_key="guessed").find(VIDEO)


async def test_a_small_disk_holds_a_second_bucket(composed, tmp_path):
    """A bucket takes seven volumes, of 30 GB each if the command says nothing else."""
    another = open_objects("s3://another", tmp_path, composed.options)
    await another.put(VIDEO, b"clip")
    assert (await another.find(VIDEO)).size == 4
