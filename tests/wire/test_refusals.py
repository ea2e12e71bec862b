"""Refusals reach callers who send everything before they read. Other protocols are refused or disconnected."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from tests.http.speaking import assert_quiet
from tests.wire.conftest import until, until_closed

SUBMIT = "/lumalabs-ai/v1/generateRequestFromImage"
POLL = "/lumalabs-ai-polling/v1/getStatus"
MB = 1024 * 1024


def keyed(service, **more):
    return {"Ocp-Apim-Subscription-Key": service.history.key_of(0), "Content-Type": "application/json"} | more


@pytest.mark.parametrize("megabytes", [1, 5, 30, 70])
@pytest.mark.parametrize("path", [POLL, "/nowhere"])
def test_a_body_that_is_too_large_is_answered_to_who_sends_first(service, path, megabytes):
    """`http.client` reads no answer before it has sent everything, so the rest is read and discarded."""
    connection = http.client.HTTPConnection(*service.where, timeout=30)
    try:
        connection.request("POST", path, bytes(megabytes * MB), keyed(service))
        answer = connection.getresponse()
        assert answer.status in ((400, 413) if path == POLL else (404,))
        assert json.loads(answer.read())
    finally:
        connection.close()


def test_a_submit_that_is_too_large_is_answered_to_who_sends_first(service):
    connection = http.client.HTTPConnection(*service.where, timeout=30)
    body = b'{"prompt": "push in", "url": "data:image/png;base64,' + b"A" * (60 * MB) + b'"}'
    try:
        connection.request("POST", SUBMIT, body, keyed(service))
        answer = connection.getresponse()
        assert answer.status in (400, 413)
        assert b"larger" in answer.read() or answer.status == 413
    finally:
        connection.close()


def test_our_own_command_line_says_why_a_picture_was_not_taken(service, tmp_path):
    picture = tmp_path / "large.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(30 * MB))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STILLMOTION_")}
    settings = {
        "STILLMOTION_SERVER": "http://{}:{}".format(*service.where),
        "STILLMOTION_KEY": service.history.key_of(0),
    }
    words = ["-m", "stillmotion", "generate", str(picture), "push in", "-o", str(tmp_path / "clip.mp4")]
    done = subprocess.run([sys.executable, *words], env=kept | settings, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "must be no larger than" in done.stderr


def test_a_key_that_is_wrong_is_answered_to_who_sends_first(service):
    connection = http.client.HTTPConnection(*service.where, timeout=30)
    try:
        connection.request("POST", SUBMIT, bytes(20 * MB), {"Ocp-Apim-Subscription-Key": "wrong"})
        assert connection.getresponse().status == 401
    finally:
        connection.close()


def test_who_is_refused_and_goes_on_sending_is_not_read_for_ever(service):
    """The lingering close has a bound for the discarded bytes."""
    began, sent = time.monotonic(), 0
    with service.connect(5) as connection:
        connection.sendall(b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000000\r\n\r\n")
        try:
            while time.monotonic() - began < 60:
                sent += connection.send(bytes(MB))
        except OSError:
            pass
    assert time.monotonic() - began < 45
    assert service.memory < 600 * MB


@pytest.mark.parametrize("expect", [b"100-continue", b"100-Continue"])
def test_leave_to_send_is_given_to_who_may_have_it(service, expect):
    head, _, body = service.poll().partition(b"\r\n\r\n")
    with service.connect() as connection:
        connection.sendall(head + b"\r\nExpect: " + expect + b"\r\n\r\n")
        assert until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_who_speaks_http_1_0_gets_no_leave_but_its_answer(service):
    head, _, body = service.poll().replace(b"HTTP/1.1", b"HTTP/1.0").partition(b"\r\n\r\n")
    with service.connect() as connection:
        connection.sendall(head + b"\r\nExpect: 100-continue\r\n\r\n")
        assert_quiet(connection, 0.3)
        connection.sendall(body)
        answered = until_closed(connection)
    assert b"100 Continue" not in answered
    assert answered[8:13] == b" 200 "


@pytest.mark.parametrize("is_answered_first", [False, True])
def test_a_trailer_is_no_header_of_the_next_request(service, is_answered_first):
    """Behind a proxy the next request may be another caller's, and a trailer must not reach it."""
    key = service.history.key_of(0).encode()
    head, _, body = service.poll().partition(b"\r\n\r\n")
    keyless = b"\r\n".join(line for line in head.split(b"\r\n") if key not in line) + b"\r\n\r\n" + body
    chunked = b"POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n"
    with service.connect() as connection:
        connection.sendall(chunked + b"X: y\r\nOcp-Apim-Subscription-Key: " + key + b"\r\n\r\n")
        answered = until(connection, b"\r\n\r\n") if is_answered_first else b""
        with suppress(ConnectionError):
            connection.sendall(keyless.replace(b"Host: ", b"Connection: close\r\nHost: "))
        answered += until_closed(connection)
    assert answered.startswith(b"HTTP/1.1 404 ")
    assert b" 200 OK" not in answered


@pytest.mark.parametrize("token", [b"h2c", b"websocket", b"x", b"HTTP/2.0"])
@pytest.mark.parametrize("pause", [0.0, 0.1])
def test_an_upgrade_that_nobody_offers_changes_nothing(service, token, pause):
    """The header is ignored (RFC 9110, 7.8), on a POST too."""
    head, _, body = service.poll().partition(b"\r\n\r\n")
    head += b"\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__"
    head += b"\r\nUpgrade: " + token + b"\r\n\r\n"
    with service.connect() as connection:
        connection.sendall(head)
        assert_quiet(connection, pause)
        connection.sendall(body)
        answered = until_closed(connection)
    assert service.history.ids[0].encode() in answered
    assert answered.startswith(b"HTTP/1.1 200 ")
    assert answered.count(b"HTTP/1.1 ") == 1


ODD = {
    "another version": b"GET / HTTP/2.0\r\nHost: x\r\n\r\n",
    "HTTP/2 by prior knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100) + b"\r\n\r\n",
    "RTSP": b"DESCRIBE rtsp://x/y RTSP/1.0\r\nCSeq: 1\r\n\r\n",
    "SMTP": b"EHLO x\r\nMAIL FROM:<a@b>\r\n\r\n",
    "SOCKS": b"\x05\x01\x00" + bytes(50) + b"\r\n\r\n",
    "no Host": b"GET / HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "an answer": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("sent", ODD.values(), ids=ODD.keys())
def test_another_protocol_is_refused_at_once(service, sent):
    """The server sends a refusal or nothing, and closes at once without waiting for a deadline."""
    began = time.monotonic()
    answered = service.ask(sent, 14)
    assert answered[9:12] in (b"400", b"404", b"505", b"")
    assert answered.count(b"\r\n\r\n") <= 1
    assert time.monotonic() - began < 12  # The first deadline is after 15 s.


@pytest.mark.parametrize("host", [b"a b", b"a/b", b"a@b", b"a,b", b"[::1", b"a\\b", b"<a>"])
def test_a_host_that_is_none_is_never_in_an_answer(service, host):
    answered = service.ask(b"GET /docs HTTP/1.1\r\nConnection: close\r\nHost: " + host + b"\r\n\r\n")
    assert answered[9:12] in (b"200", b"400")
    assert host not in answered


def test_who_hangs_up_half_way_leaves_nothing(service):
    with service.connect() as connection:
        connection.sendall(service.poll()[:-3])
        connection.shutdown(socket.SHUT_WR)
        assert until_closed(connection)[9:12] in (b"400", b"")
