"""An S3 server that is really killed and started again while clips are made: ends wait, polls answer."""

import urllib.request

import pytest

pytest.importorskip("psycopg", reason="needs psycopg: pip install stillmotion[postgres]")

from bench.soak.invariants import read
from tests import databases
from tests.end_to_end.conftest import make_running, small_picture
from tests.faults.test_disk import assert_refused, ready_within
from tests.waiting import eventually, stays

__all__ = ["make_running"]

SHORT = {"prompt": "push in", "url": small_picture(), "resolution": "540p", "duration": 1}


@pytest.fixture
def bucket_settings(seaweedfs):
    options = ",".join(f"{name}={value}" for name, value in seaweedfs.options.items())
    yield {"STILLMOTION_STORAGE": f"s3://{seaweedfs.new_place()}", "STILLMOTION_STORAGE_OPTIONS": options}
    if not seaweedfs.runs:
        seaweedfs.start()


@pytest.fixture
def served(make_running, bucket_settings):
    return make_running(**bucket_settings)


@pytest.mark.parametrize("seconds", [3, pytest.param(60, marks=pytest.mark.slow)])
def test_a_clip_is_stored_once_the_storage_is_back(served, seaweedfs, seconds):
    """The lease of 15 seconds is kept, so that the clip is rendered once."""
    done = served.submit(SHORT).body["id"]
    served.wait_for(done, "completed")
    waiting = served.submit({**SHORT, "duration": 3}).body["id"]
    served.until_drawn(waiting)
    seaweedfs.kill()
    ready_within(served, 503, 10)
    assert_refused(served.submit(SHORT))
    stays(lambda: served.status(waiting).body["state"] == "dreaming" and served.status(done).status == 200, seconds)
    assert served.status(done).body["assets"]["video"].startswith(seaweedfs.endpoint)
    assert "storage" in ready_within(served, 503, 10).body["missing"]
    seaweedfs.start()
    clip = served.wait_for(waiting, "completed", "failed")["assets"]["video"]
    with urllib.request.urlopen(clip, timeout=10) as answer:
        assert answer.read(8)[4:] == b"ftyp"
    assert [(each.attempt, each.failures) for each in read(served.directory).rows] == [(1, 0), (1, 0)]
    ready_within(served, 200, 10)


@pytest.mark.slow
def test_a_server_of_several_stays_ready_without_storage_and_says_so(make_running, seaweedfs, bucket_settings):
    """Its balancer keeps it, so that polls are answered."""
    shared = {"STILLMOTION_STORE": databases.cluster().new_database(), "STILLMOTION_SECRET": "5e" * 32}
    served = make_running(STILLMOTION_PUBLIC_URL="http://127.0.0.1:9", **shared, **bucket_settings)
    done = served.submit(SHORT).body["id"]
    served.wait_for(done, "completed")
    seaweedfs.kill()
    eventually(lambda: "storage" in _in_trouble(served), 60)
    assert served.status(done).body["assets"]["video"].startswith(seaweedfs.endpoint)
    assert_refused(served.submit(SHORT))
    seaweedfs.start()
    eventually(lambda: not _in_trouble(served), 60)


def _in_trouble(served):
    """The troubles that a ready server tells of."""
    answer = served.call("GET", "/readyz")
    assert answer.status == 200, answer
    return answer.body.get("in_trouble", {})
