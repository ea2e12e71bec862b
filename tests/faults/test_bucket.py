"""A bucket that is away, slow, busy or forgetful for a while: clips wait, nothing is lost, no wait is endless."""

import time
from urllib.parse import urlsplit

import pytest

from tests.end_to_end.conftest import make_running, small_picture
from tests.faults.test_disk import assert_refused, ready_within
from tests.faults.toxic import Toxic
from tests.s3_servers import S3_KEYS

__all__ = ["make_running"]

SHORT = {"prompt": "push in", "url": small_picture(), "resolution": "540p", "duration": 1}


@pytest.fixture
def toxic(moto):
    address = urlsplit(moto.options["endpoint"])
    proxy = Toxic((address.hostname, address.port)).start()
    yield proxy
    proxy.close()


@pytest.fixture
def served(make_running, toxic, moto):
    options = ",".join(f"{name}={value}" for name, value in (S3_KEYS | {"endpoint": toxic.url}).items())
    return make_running(
        STILLMOTION_STORAGE=f"s3://{moto.new_place()}/clips",
        STILLMOTION_STORAGE_OPTIONS=options,
        STILLMOTION_SUBMITS_PER_MINUTE="1000",
    )


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["refuse", "busy", "hole"])
def test_a_clip_waits_while_the_bucket_is_away(served, toxic, mode):
    waiting = served.submit({**SHORT, "duration": 10, "resolution": "1080p"}).body["id"]
    served.wait_for(waiting, "dreaming")
    toxic.mode = mode
    ready_within(served, 503, 10)
    began = time.monotonic()
    assert_refused(served.submit(SHORT))
    assert time.monotonic() - began < 19, "nobody waits for ever"
    for _ in range(10):
        assert served.status(waiting).body["state"] == "dreaming"
    taken = served.submit({**SHORT, "url": "https://example.com/a.png"})
    assert taken.status == 200, "what needs no storage is accepted"
    toxic.mode = "pass"
    done = served.wait_for(waiting, "completed", "failed", seconds=120)
    assert done["state"] == "completed"
    ready_within(served, 200, 10)
    assert served.submit(SHORT).status == 200
