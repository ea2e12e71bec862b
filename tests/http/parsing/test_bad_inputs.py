"""The project's collection of hostile requests over a socket: each gets its answer, and nothing is stored."""

import base64
import gzip
import json
import socket
from contextlib import suppress

import pytest

from tests.cases.tried import cases
from tests.http.conftest import POLL, SUBMIT

GOOD_URL = "http://93.184.215.14/img.png"
VIDEO = bytes(range(256)) * 40


def statuses(case):
    expected = case["expect"].get("status", 200)
    return expected if isinstance(expected, list) else [expected]


def stored_count(caller):
    return sum(caller.edge.run(caller.edge.store.counts()).values())


def check_refusal(answered):
    assert answered.headers["content-type"] == "application/json"
    assert answered.body["error"]
    assert b"Traceback" not in answered.content


GENERATED = {
    "json-21": (b'{"a":' * 100_000, {}),
    "json-51": (gzip.compress(b'{"prompt":"' + bytes(10**6)), {"Content_Encoding": "gzip"}),
}


@pytest.mark.parametrize("case", cases("json"))
def test_hostile_json(caller, case):
    body, headers = GENERATED.get(case["id"]) or (base64.b64decode(case["input"]["base64"]), {})
    if case["name"].startswith("Content-Type: "):
        headers = {"Content_Type": case["name"].split("'")[1]}
    before = stored_count(caller)
    answered = caller.submit(body, **headers)
    assert answered.status in statuses(case)
    if answered.status != 200:
        check_refusal(answered)
        assert stored_count(caller) == before
    polled = caller.post(POLL, body, **headers)
    assert polled.status in (400, 404)


PROMPTS = {"prompt-29": "a" * 5001, "prompt-31": "a" * 10**6}


@pytest.mark.parametrize("case", cases("prompt"))
def test_hostile_prompts(caller, case):
    prompt = PROMPTS.get(case["id"], case["input"])
    answered = caller.submit({"prompt": prompt, "url": GOOD_URL})
    assert answered.status in statuses(case)
    if answered.status == 200:
        assert caller.poll(answered.body["id"]).body["request"]["prompt"] == prompt
    else:
        check_refusal(answered)


KEYS = {
    "auth-01": lambda caller: [],
    "auth-03": lambda caller: ["   "],
    "auth-05": lambda caller: [caller.issued.primary[:-1]],
    "auth-07": lambda caller: [caller.issued.primary.upper()],
    "auth-09": lambda caller: ["sm_revoked"],
    "auth-11": lambda caller: ["sm_suspended"],
    "auth-15": lambda caller: ["a" * 60_000],
    "auth-17": lambda caller: [caller.edge.services.access.pepper.hex()],
    "auth-19": lambda caller: ["bad", caller.issued.primary],
    "auth-21": lambda caller: [f"{caller.issued.primary}, {caller.issued.secondary}"],
    "auth-23": lambda caller: [f"  {caller.issued.primary}  "],
}


@pytest.mark.parametrize("case", cases("auth"))
def test_hostile_keys(caller, case):
    body = json.dumps({"prompt": "x", "url": GOOD_URL})
    lines = [f"POST {SUBMIT} HTTP/1.1", "Host: x", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += [f"Ocp-Apim-Subscription-Key: {key}" for key in KEYS[case["id"]](caller)]
    before = stored_count(caller)
    answer = on_the_wire(caller.edge, "\r\n".join([*lines, "Connection: close", "", body]).encode(), pause=20)
    assert status_of(answer) in statuses(case)
    if case["expect"]["status"] == 401:
        assert answer.endswith(b'{"error":"Invalid or missing authentication"}')
        assert stored_count(caller) == before


TASKS = {"tasks-05": {}, "tasks-07": {"task_id": 1}}


@pytest.mark.parametrize("case", cases("tasks"))
def test_hostile_task_ids(caller, case):
    answered = caller.post(POLL, TASKS.get(case["id"], {"task_id": case["input"]}))
    wrong_kind = case["id"] in TASKS
    assert answered.status == (400 if wrong_kind else 404)
    if not wrong_kind:
        assert answered.content == b'{"task_status":"failed","task_status_msg":"task not found"}'


PATHS, RANGES = [], []
for each in cases("assets"):
    (RANGES if "Range" in each.values[0]["input"] else PATHS).append(each)


@pytest.mark.parametrize("case", PATHS)
def test_hostile_asset_paths(edge, case):
    answered = edge.ask("GET", case["input"])
    assert answered.status in statuses(case)
    check_refusal(answered)


@pytest.fixture(scope="module")
def video(edge):
    caller = edge.caller()
    task_id = caller.submit().body["id"]
    caller.complete(task_id, VIDEO)
    return caller.poll(task_id).body["assets"]["video"].removeprefix(edge.server.url)


@pytest.mark.parametrize("case", RANGES)
def test_hostile_ranges(edge, video, case):
    size, expected = len(VIDEO), case["expect"]
    headers = {name: value.replace("N", str(size)) for name, value in case["input"].items()}
    answered = edge.ask("GET", video, headers=headers)
    assert answered.status in statuses(case)
    assert len(answered.content) <= size
    if "len" in expected:
        assert len(answered.content) == (size if expected["len"] == "N" else expected["len"])
    if "Content-Range" in expected:
        assert answered.headers["content-range"] == expected["Content-Range"].replace("N", str(size))
    if answered.status == 206:
        first, last = map(int, answered.headers["content-range"].split(" ")[1].split("/")[0].split("-"))
        assert answered.content == VIDEO[first : last + 1]
    elif answered.status == 200:
        assert answered.content == VIDEO


@pytest.mark.parametrize("case", cases("http_wire"))
def test_hostile_framing(edge, case):
    head = on_the_wire(edge, base64.b64decode(case["input"]["base64"]))
    assert status_of(head) in statuses(case)


def test_ten_thousand_headers(edge):
    lines = b"".join(b"A%d: b\r\n" % number for number in range(10_000))
    assert status_of(on_the_wire(edge, b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n")) == 400


def test_a_hundred_and_one_headers(edge):
    lines = b"".join(b"A%d: b\r\n" % number for number in range(100))
    assert status_of(on_the_wire(edge, b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n")) == 431


@pytest.mark.parametrize(("target", "header"), [(60_000, 10_000), (10, 65_600), (100_000, 0), (65_600, 0)])
def test_a_head_counts_as_a_whole(edge, target, header):
    head = b"GET /%b HTTP/1.1\r\nHost: x\r\nA: %b\r\nConnection: close\r\n\r\n" % (b"x" * target, b"y" * header)
    assert status_of(on_the_wire(edge, head)) in (400, 431)


def test_headers_without_end(edge):
    answer = on_the_wire(edge, b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 100_000)
    assert status_of(answer) == 400


def test_a_hundred_requests_at_once_are_answered_in_order(edge):
    requests = b"".join(b"GET /none-%03d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(99))
    last = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answers = on_the_wire(edge, requests + last, pause=20)
    assert answers.count(b"HTTP/1.1 404 ") == 99
    assert answers.endswith(b'{"status":"ok"}')
    names = [int(line.rpartition(b"-")[2], 16) for line in answers.splitlines() if line.startswith(b"x-request-id:")]
    assert names == sorted(names)


@pytest.mark.parametrize("upgrade", ["h2c", "websocket"])
def test_an_upgrade_is_not_made(edge, upgrade):
    answered = edge.ask("GET", "/healthz", headers={"Connection": "Upgrade", "Upgrade": upgrade})
    assert answered.status == 200


def test_a_body_without_end_is_not_read_to_its_end(caller):
    lines = [f"POST {SUBMIT} HTTP/1.1", "Host: x", "Transfer-Encoding: chunked"]
    lines += [f"Ocp-Apim-Subscription-Key: {caller.issued.primary}", "", ""]
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    answer = on_the_wire(caller.edge, "\r\n".join(lines).encode() + chunk * 160, pause=1)
    assert status_of(answer) == 400
    assert b"must be no larger than 65536 bytes" in answer


def on_the_wire(edge, request, pause=0.1):
    """The received bytes until the server closes, or sends nothing more for a while after it has begun to answer."""
    received = b""
    with socket.create_connection(edge.address, timeout=20) as connection:
        with suppress(ConnectionError):
            connection.sendall(request)
        with suppress(TimeoutError, ConnectionError):
            while piece := connection.recv(65536):
                received += piece
                connection.settimeout(pause)
    return received


def status_of(answer):
    return int(answer.split(b" ", 2)[1])
