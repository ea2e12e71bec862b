"""Access log: a line for each request if a setting asks for it. It identifies the request and holds no secret."""

import json
import socket

import pytest
import structlog
from structlog.testing import capture_logs

from stillmotion.http.edge.access_lines import AccessLines
from tests.http.conftest import ADMIN_KEY, PICTURE_URL, POLL, SUBMIT
from tests.http.resources.browser_session import user
from tests.waiting import eventually


@pytest.fixture(scope="module")
def logging_edge(start):
    return start(access_log=True)


def lines_of(work):
    with capture_logs() as events:
        answered = work()
    return answered, [each for each in events if each["event"] == "request"]


def test_a_request_is_one_line_with_what_finds_it_again(logging_edge):
    caller = logging_edge.caller()
    answered, (line,) = lines_of(lambda: caller.submit(Host="video.example"))
    assert line.pop("ms") >= 0
    assert line == {
        "event": "request",
        "log_level": "info",
        "request_id": answered.headers["x-request-id"],
        "method": "POST",
        "route": SUBMIT,
        "status": 200,
        "key": caller.issued.primary[:9],
    }


def test_a_sessions_line_names_its_key_and_not_its_cookie(logging_edge):
    browser, caller = user(logging_edge)
    _, (line,) = lines_of(lambda: browser.ask("GET", "/account"))
    assert line["key"] == caller.issued.primary[:9]
    assert browser.cookie.partition("=")[2] not in str(line)


def test_an_accepted_generation_is_told_with_its_requests_id(edge):
    caller = edge.caller()
    with capture_logs() as events:
        answered = caller.submit()
    (told,) = [each for each in events if each["event"] == "generation_accepted"]
    assert told["request_id"] == answered.headers["x-request-id"]
    assert told["generation"] == answered.body["id"]
    assert told["engine"] == "parallax/1"
    assert [each["event"] for each in events] == ["generation_accepted"]


@pytest.mark.parametrize(
    ("method", "path", "body", "told"),
    [
        ("POST", SUBMIT, {}, {"status": 400, "reason": "wrong_shape", "fields": ["prompt", "url"]}),
        ("POST", SUBMIT, {"prompt": " ", "url": PICTURE_URL}, {"status": 400, "reason": "invalid_request"}),
        ("POST", POLL, {"task_id": "x"}, {"status": 404, "reason": "generation_not_found"}),
        ("GET", "/generations/0193b1d2/plan", None, {"status": 404, "route": "/generations/{id}/plan"}),
        ("GET", "/nothing/here", None, {"status": 404, "reason": "endpoint_not_found", "route": ""}),
        ("PUT", "/v1/videos", {}, {"status": 405, "reason": "method_not_allowed"}),
        ("GET", "/assets/secret?signature=secret", None, {"status": 404, "route": "/assets/{key}"}),
        ("GET", "/healthz", None, {"status": 200, "route": "/healthz"}),
    ],
)
def test_a_refusal_is_one_line_with_its_reason(logging_edge, method, path, body, told):
    caller = logging_edge.caller()
    headers = {"Ocp-Apim-Subscription-Key": caller.issued.primary, "Content-Type": "application/json"}
    content = None if body is None else json.dumps(body)
    answered, (line,) = lines_of(lambda: logging_edge.ask(method, path, content, headers))
    assert line["request_id"] == answered.headers["x-request-id"]
    assert {name: line[name] for name in told} == told


@pytest.mark.parametrize(
    ("product", "reason"),
    [({"models": frozenset({"ray-2"})}, "model_not_included"), ({"video_seconds_per_month": 1}, "quota_spent")],
)
def test_who_is_turned_away_is_told_with_the_code_of_the_answer(logging_edge, product, reason):
    caller = logging_edge.caller(**product)
    answered, (line,) = lines_of(caller.submit)
    assert (line["status"], line["reason"]) == (403, reason)
    assert answered.headers["x-stillmotion-reason"] == reason


def test_no_secret_is_in_any_line(logging_edge):
    caller = logging_edge.caller()
    key = caller.issued.primary
    made = caller.submit({"prompt": "a secret prompt", "url": f"{PICTURE_URL}?token=hidden-token"}).body["id"]
    caller.complete(made)
    video = caller.poll(made).body["assets"]["video"].removeprefix(logging_edge.server.url)
    with capture_logs() as events:
        caller.submit({"prompt": "a secret prompt", "url": f"{PICTURE_URL}?token=hidden-token"})
        caller.submit({key: 1, "prompt": "a secret prompt"})
        logging_edge.ask("GET", f"/generations/{made}/plan?subscription-key={key}")
        logging_edge.ask("GET", f"/generations/{made}/plan?subscription-key={key}&{key}=1")
        logging_edge.ask("GET", "/v1/videos", headers={"Authorization": "Bearer hunter2"})
        logging_edge.ask("GET", "/v1/videos", headers={"Authorization": "Bearer sm_short"})
        logging_edge.ask("GET", "/admin/v1/products", headers={"Authorization": f"Bearer {ADMIN_KEY}"})
        logging_edge.ask("GET", video)
        logging_edge.ask("GET", f"/{key}")
    assert len([each for each in events if each["event"] == "request"]) == 9
    told = json.dumps(events, default=str)
    for secret in (key, key[9:], "secret prompt", "hidden-token", "hunter2", "sm_short", ADMIN_KEY, video, "signature"):
        assert secret not in told


def test_there_are_no_lines_by_default(edge):
    caller = edge.caller()
    _, lines = lines_of(lambda: (caller.submit(), caller.poll("x")))
    assert lines == []


def test_a_line_is_written_as_the_others_are(capsys):
    structlog.reset_defaults()
    AccessLines(are_wanted=True).write("GET", "/healthz", 200, 0.00123, "run-000001")
    assert "request" in capsys.readouterr().out


def test_a_request_that_its_caller_gave_up_is_a_line_too(logging_edge):
    caller = logging_edge.caller()
    head = f"POST {SUBMIT} HTTP/1.1\r\nHost: x\r\nOcp-Apim-Subscription-Key: {caller.issued.primary}\r\n"
    with capture_logs() as events:
        with socket.create_connection(logging_edge.address, timeout=10) as connection:
            connection.sendall(
                f"{head}Content-Type: application/json\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n".encode()
            )
            assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        lines = eventually(lambda: [each for each in events if each["event"] == "request"])
    assert [(each["status"], each["reason"]) for each in lines] == [(499, "client_gone")]


@pytest.mark.parametrize(
    ("sent", "method", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 100 + b"\r\n", "GET", 431),
        (b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", "CONNECT", 501),
        (b"this is no request\r\n\r\n", "UNKNOWN", 400),
    ],
)
def test_a_request_that_comes_to_no_path_has_a_line_and_an_id_too(logging_edge, sent, method, status):
    def speak():
        host, _, port = logging_edge.server.url.removeprefix("http://").rpartition(":")
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            connection.sendall(sent)
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode()

    answered, (line,) = lines_of(speak)
    assert f"X-Request-Id: {line['request_id']}\r\n" in answered
    assert (line["method"], line["route"], line["status"]) == (method, "", status)
