"""Callbacks and the stream of all generations in our own client."""

import json
from itertools import islice

import pytest

from stillmotion.client import BadAnswer, NotAuthenticated
from tests.clients.contract_server import Answer
from tests.clients.our_client import ID, SPENT, body, connect, server

__all__ = ["connect", "server"]

SSE = {"Content-Type": "text/event-stream; charset=utf-8"}
MESSAGE = {"headers": {"webhook-id": f"msg_{ID}_completed", "webhook-signature": "v1,x"}, "body": "{}"}


@pytest.mark.methods("callbacks")
def test_callbacks_are_listed_page_by_page(server, connect):
    attempt = {"replay": 0, "number": 1, "at": "2026-11-22T12:00:00Z", "seconds": 0.04, "status": 503, "reason": None}
    told = {
        "id": f"msg_{ID}_completed",
        "generation": ID,
        "announces": "completed",
        "created_at": "2026-11-22T12:00:00Z",
        "url": "https://customer.example/hook",
        "state": "pending",
        "replays": 0,
        "next_attempt_at": "2026-11-22T12:00:05Z",
        "attempts": [attempt],
        "body": '{"state":"completed"}',
    }
    server.on(
        "GET", "/callbacks?state=pending&limit=2&after=msg_x", Answer(200, {"callbacks": [told], "next": "msg_y"})
    )
    page = connect(server.base).callbacks(state="pending", limit=2, after="msg_x")
    (one,) = page.callbacks
    assert page.next == "msg_y"
    assert (one.generation, one.state, one.message) == (ID, "pending", '{"state":"completed"}')
    assert [(each.status, each.seconds) for each in one.tries] == [(503, 0.04)]


@pytest.mark.methods("test_callback")
def test_a_test_message_is_sent_once(server, connect):
    told = {"delivered": False, "status": None, "seconds": 0.1, "reason": "callback_timeout: no answer", **MESSAGE}
    server.on("POST", "/callbacks/test", Answer(200, told))
    outcome = connect(server.base).test_callback("https://customer.example/hook")
    assert (outcome.delivered, outcome.status, outcome.reason) == (False, None, "callback_timeout: no answer")
    assert outcome.message.headers["webhook-signature"] == "v1,x"
    assert [json.loads(each.body) for each in server.asked] == [{"url": "https://customer.example/hook"}]


@pytest.mark.methods("callback_message")
def test_a_message_is_given_as_it_is_sent(server, connect):
    server.on("GET", f"/generations/{ID}/callbacks/message", Answer(200, MESSAGE))
    message = connect(server.base).callback_message(ID)
    assert (dict(message.headers), message.body) == (MESSAGE["headers"], MESSAGE["body"])


@pytest.mark.methods("callbacks", refused=True)
def test_an_answer_of_something_else_is_said_to_be_one(server, connect):
    server.on("GET", "/callbacks?limit=20", Answer(200, {"none": []}))
    with pytest.raises(BadAnswer, match="no callbacks"):
        connect(server.base).callbacks()


def event(number, **told):
    return f"id: {number}\nevent: generation\ndata: {json.dumps(body(**told))}\n\n".encode()


@pytest.mark.methods("watch_all")
def test_all_generations_are_followed_and_the_stream_is_taken_up_again(server, connect):
    gone = b'id: 2\nevent: deleted\ndata: {"id": "gone"}\n\n'
    first = event(1, state="dreaming", progress=0.5) + gone
    server.on("GET", "/events", Answer(200, first, SSE), Answer(200, event(3, state="completed"), SSE))
    told = [(each.id, each.state) for each in islice(connect(server.base).watch_all(), 2)]
    assert told == [(ID, "dreaming"), (ID, "completed")]
    assert [each.headers.get("last-event-id") for each in server.asked][:2] == [None, "2"]


@pytest.mark.methods("watch_all", refused=True)
def test_a_stream_that_is_refused_is_not_asked_for_again(server, connect):
    server.on("GET", "/events", Answer(401, {"detail": "The key is not valid"}, SPENT))
    with pytest.raises(NotAuthenticated):
        next(iter(connect(server.base).watch_all()))
    assert len(server.asked) == 1
