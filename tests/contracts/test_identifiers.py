"""Identifiers: sortable ids, unguessable tokens, a clock in UTC."""

import base64
import os
import subprocess
import sys
import threading
import uuid
from datetime import timedelta
from pathlib import Path

import pytest

from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.identifiers import new_callback_secret, new_token, new_uuid7


def test_an_id_is_a_version_7_uuid_of_the_present():
    before = SystemClock().now()
    made = uuid.UUID(new_uuid7())
    after = SystemClock().now()
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert int(before.timestamp() * 1000) <= made.int >> 80 <= int(after.timestamp() * 1000) + 1


def test_ids_of_all_threads_sort_as_they_were_made():
    made = [[] for _ in range(4)]

    def make(into):
        into += [new_uuid7() for _ in range(5000)]

    threads = [threading.Thread(target=make, args=(into,)) for into in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(ids == sorted(ids) for ids in made)
    assert len({each for ids in made for each in ids}) == 20_000


STEP_BACK = """
import os, time
from pathlib import Path
from stillmotion.adapters.identifiers import new_uuid7

ids, before = [new_uuid7() for _ in range(1000)], time.time()
Path(os.environ["FAKETIME_TIMESTAMP_FILE"]).write_text("-1h")
ids += [new_uuid7() for _ in range(1000)]
assert time.time() < before - 3000, "the clock did not step"
assert ids == sorted(set(ids)), "an id was not greater than the one before"
"""


def test_ids_go_on_rising_when_the_clock_steps_back(tmp_path):
    found = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    if found is None:
        pytest.skip("libfaketime is not installed, which steps a program's clock")
    (tmp_path / "step").write_text("+0")
    faked = {"LD_PRELOAD": str(found), "FAKETIME_NO_CACHE": "1", "FAKETIME_TIMESTAMP_FILE": str(tmp_path / "step")}
    subprocess.run([sys.executable, "-c", STEP_BACK], env={**os.environ, **faked}, check=True)


def test_a_token_is_256_bits_in_43_url_safe_characters():
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {43}
    assert all(len(base64.urlsafe_b64decode(token + "=")) == 32 for token in tokens)


def test_a_callback_secret_is_written_as_standard_webhooks_does():
    secret = new_callback_secret()
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32


def test_the_present_is_in_utc_and_the_monotonic_clock_never_steps_back():
    clock = SystemClock()
    assert clock.now().utcoffset() == timedelta(0)
    assert clock.monotonic() <= clock.monotonic()
