"""Presigned URLs that keep nobody waiting, and are given out again for some minutes."""

import itertools
import json
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from stillmotion.adapters.objects import open_objects
from stillmotion.adapters.signed_urls import BoundedSigner, SignedUrls
from stillmotion.domain.errors import Unavailable
from tests.builders import ManualClock
from tests.timing import tries
from tests.waiting import eventually

DAY = timedelta(hours=24)
KEYS, ROLE = "?X-Amz-Signature=", "?X-Amz-Security-Token=abc&X-Amz-Signature="


def signer(query=KEYS):
    """A signer each of whose URLs is another."""
    count = itertools.count()
    return lambda key, lifetime: f"https://bucket.example/{key}{query}{next(count)}"


@pytest.mark.parametrize(
    ("query", "lifetime", "kept"),
    [
        (KEYS, DAY, timedelta(minutes=5)),
        (ROLE, DAY, timedelta(minutes=1)),
        (KEYS, timedelta(seconds=20), timedelta(seconds=10)),
    ],
    ids=["keys", "role", "short-lived"],
)
def test_a_url_is_the_same_for_a_while(query, lifetime, kept):
    """It is signed anew long before it, or the session of its role, ends."""
    clock = ManualClock()
    urls = SignedUrls(signer(query), clock)
    first = urls.url("clip", lifetime)
    clock.advance(seconds=kept.total_seconds() - 0.1)
    assert urls.url("clip", lifetime) == first
    clock.advance(seconds=0.1)
    second = urls.url("clip", lifetime)
    assert second != first
    assert urls.url("clip", lifetime) == second


def test_each_object_and_each_lifetime_has_its_own():
    urls = SignedUrls(signer(), ManualClock())
    asked = [("clip", DAY), ("clip", DAY / 2), ("other", DAY)]
    assert len({urls.url(*each) for each in asked}) == len(asked)


def test_a_clock_that_was_set_back_has_a_url_signed_anew():
    clock = ManualClock()
    urls = SignedUrls(signer(), clock)
    first = urls.url("clip", DAY)
    clock.advance(minutes=-2)
    assert urls.url("clip", DAY) != first


def test_the_oldest_is_forgotten_first():
    clock = ManualClock()
    urls = SignedUrls(signer(), clock, kept=2)
    old, first = urls.url("old", DAY), urls.url("first", DAY)
    clock.advance(minutes=5)
    old = urls.url("old", DAY)
    urls.url("second", DAY)
    assert urls.url("old", DAY) == old
    assert urls.url("first", DAY) != first


@contextmanager
def metadata_service():
    """The metadata service of a machine with a role, whose sessions are always about to end. It may be held up."""
    goes_on = threading.Event()
    goes_on.set()

    class Service(BaseHTTPRequestHandler):
        def do_PUT(self):
            goes_on.wait(20)
            self.answer(b"token")

        def do_GET(self):
            ends = f"{datetime.now(UTC) + timedelta(minutes=2):%Y-%m-%dT%H:%M:%SZ}"
            told = {"AccessKeyId": "A", "SecretAccessKey": "S", "Token": "T", "Expiration": ends}
            self.answer(b"role" if self.path.endswith("/") else json.dumps(told).encode())

        def answer(self, content):
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *words):
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", goes_on
        finally:
            goes_on.set()
            server.shutdown()


def test_nobody_waits_for_the_credentials_of_a_role(tmp_path):
    with metadata_service() as (address, goes_on):
        bucket = open_objects("s3://clips", tmp_path, {"region": "us-east-1", "metadata_endpoint": address})
        assert "X-Amz-Security-Token=T" in bucket.direct_url("first.mp4", DAY), "a start waits for them"
        goes_on.clear()
        numbers = itertools.count()
        # The session is asked for again after a tenth of a second.
        eventually(lambda: bucket.direct_url(f"before {next(numbers)}.mp4", DAY) is None)
        took = []
        for _ in tries(took, 1):
            began = time.monotonic()
            assert [bucket.direct_url(f"{next(numbers)}.mp4", DAY) for _ in range(20)] == [None] * 20
            took.append(time.monotonic() - began)
        assert took[-1] < 1
        assert bucket.direct_url("first.mp4", DAY) is not None, "one that was signed is given out again"
        goes_on.set()
        eventually(lambda: bucket.direct_url("later.mp4", DAY))


def test_keys_sign_without_a_thread():
    signed = []
    sign = BoundedSigner(lambda key, _: signed.append(threading.current_thread()) or f"https://b/{key}{KEYS}")
    assert [sign(each, DAY) for each in ("a", "b", "c")] == [f"https://b/{each}{KEYS}" for each in ("a", "b", "c")]
    assert [each is threading.current_thread() for each in signed] == [False, True, True]


def test_credentials_that_cannot_be_had_give_no_url_and_are_asked_for_again():
    answers = iter([Unavailable("no metadata"), f"https://b/clip{ROLE}"])

    def signed(key, lifetime):
        answer = next(answers)
        if isinstance(answer, Unavailable):
            raise answer
        return answer

    sign = BoundedSigner(signed)
    assert sign("clip", DAY) is None
    assert sign("clip", DAY) == f"https://b/clip{ROLE}"
