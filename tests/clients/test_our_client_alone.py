"""Our own client without a server: its imports, its parser of events, its trusted certificates."""

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest

import stillmotion
from stillmotion import client, verify_callback
from stillmotion.adapters.callbacks import sign
from stillmotion.adapters.identifiers import new_callback_secret
from stillmotion.client.events import EventReader

CLIENT, VERSION = "stillmotion (Python)", "of this version"
COMPLETED = {"id": "1", "state": "completed", "model": "ray-1-6", "request": {"prompt": "a lake"}, "assets": None}


def test_events_are_read_however_they_are_cut():
    text = b'id: 1\r\ndata: {"a": 1}\r\n\r\n: beat\r\ndata: x\rdata: y\n\nevent: z\n\n'
    for size in (1, 2, 3, 7, len(text)):
        reader = EventReader()
        read = [event for at in range(0, len(text), size) for event in reader.read(text[at : at + size])]
        assert (read, reader.last_id) == (['{"a": 1}', "x\ny"], "1")


@pytest.mark.methods("verify_callback")
def test_a_callback_is_verified_and_read():
    secret, content = new_callback_secret(), json.dumps(COMPLETED).encode()
    headers = sign(secret, "msg_1", datetime.now(UTC), content)
    assert verify_callback(headers, content, secret).state == "completed"
    for wrong in (
        (headers, content + b" ", secret),
        (headers, content, new_callback_secret()),
        ({}, content, secret),
        (headers | {"webhook-signature": "nonsense"}, content, secret),
        (headers | {"webhook-timestamp": "1"}, content, secret),
    ):
        with pytest.raises(client.CallbackNotVerified):
            verify_callback(*wrong)


def test_the_client_brings_in_no_server_engine_or_database():
    text = "import sys, stillmotion; from stillmotion import Client; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    rooms = {f"stillmotion.{room}" for room in ("http", "worker", "adapters", "engines", "media", "application", "cli")}
    heavy = {
        "cv2",
        "numpy",
        "av",
        "PIL",
        "apsw",
        "obstore",
        "aiohttp",
        "uvicorn",
        "uvloop",
        "click",
        "rich",
        "structlog",
    }
    assert loaded & (rooms | heavy | {"stillmotion.composition.service", "stillmotion.config"}) == set()
    assert {each for each in loaded if each.startswith("stillmotion.domain.")} == {
        "stillmotion.domain.errors",
        "stillmotion.domain.plurals",
    }


def test_importing_the_package_alone_brings_in_not_even_the_client():
    text = "import sys, stillmotion; print(*(each for each in sys.modules if each.startswith(('stillmotion', 'h'))))"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert [each for each in done.stdout.split() if each.startswith(("stillmotion", "httpx"))] == ["stillmotion"]


def test_an_unknown_name_of_the_package_is_an_ordinary_error():
    with pytest.raises(AttributeError, match="no attribute 'Clients'"):
        stillmotion.Clients  # noqa: B018 - the look is the test
