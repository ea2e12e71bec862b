"""The list of a key's callbacks, test messages, and the check of signatures."""

from datetime import timedelta

import pytest
from standardwebhooks.webhooks import Webhook

from stillmotion.application.callbacks.trials import TESTS_PER_MINUTE
from tests.http.resources.test_callbacks import HOOK, announced, ask, tried


@pytest.fixture
def caller(any_edge):
    return any_edge.caller()


def post(caller, path, body):
    return caller.post(path, body)


def listed(caller, query=""):
    answered = ask(caller, "GET", f"/callbacks{query}")
    assert answered.status == 200, answered
    return answered.body


def test_all_callbacks_are_listed_the_latest_first(caller):
    first, second = announced(caller), announced(caller)
    page = listed(caller)
    assert [each["generation"] for each in page["callbacks"]] == [second, first]
    assert page["next"] is None
    one = page["callbacks"][0]
    assert (one["url"], one["state"], one["announces"], one["attempts"]) == (HOOK, "pending", "dreaming", [])
    assert '"state":"dreaming"' in one["body"]


def test_pages_follow_each_other(caller):
    made = [announced(caller) for _ in range(3)]
    first = listed(caller, "?limit=2")
    second = listed(caller, f"?limit=2&after={first['next']}")
    assert [each["generation"] for page in (first, second) for each in page["callbacks"]] == made[::-1]
    assert second["next"] is None


def test_callbacks_are_listed_by_state(caller):
    delivered, gone = announced(caller), announced(caller)
    announced(caller)
    tried(caller, delivered, 204)
    tried(caller, gone, 410)
    assert [each["generation"] for each in listed(caller, "?state=delivered")["callbacks"]] == [delivered]
    assert [each["generation"] for each in listed(caller, "?state=gave_up")["callbacks"]] == [gone]


@pytest.mark.parametrize("query", ["?state=lost", "?limit=0", "?limit=101", "?page=2", "?after=msg_none", "?after=%00"])
def test_wrong_parameters_are_refused_by_name(caller, query):
    answered = ask(caller, "GET", f"/callbacks{query}")
    assert answered.status == 400
    assert query[1:].partition("=")[0] in answered.content.decode()


def test_anothers_callbacks_are_not_listed(caller, any_edge):
    announced(caller)
    other = any_edge.caller()
    assert listed(other) == {"callbacks": [], "next": None}
    after = listed(caller)["callbacks"][0]["id"]
    assert ask(other, "GET", f"/callbacks?after={after}").status == 400


def test_a_test_message_is_signed(caller):
    answered = post(caller, "/callbacks/test", {"url": HOOK})
    assert answered.status == 200
    told = answered.body
    assert (told["delivered"], told["status"], told["reason"]) == (True, 204, None)
    secret = caller.issued.subscription.callback_secret
    headers = told["headers"]
    sent_at = caller.edge.clock.now()
    assert headers["webhook-signature"] == Webhook(secret).sign(headers["webhook-id"], sent_at, told["body"])


@pytest.mark.parametrize(
    ("url", "status", "reason"),
    [("https://busy.example.com/", 503, None), ("https://gone.example.com/", None, "callback_dns_failed")],
)
def test_a_receiver_that_does_not_take_it_is_told(caller, url, status, reason):
    told = post(caller, "/callbacks/test", {"url": url}).body
    assert (told["delivered"], told["status"]) == (False, status)
    assert (told["reason"] or "").startswith(reason or "")


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://169.254.169.254/latest", "https://[::1]/", "ftp://a.b/"])
def test_a_test_message_goes_to_no_private_address(caller, url):
    answered = post(caller, "/callbacks/test", {"url": url})
    assert answered.status == 400
    assert '"url"' in answered.content.decode()


def test_test_messages_are_limited(any_edge):
    caller = any_edge.caller()
    for _ in range(TESTS_PER_MINUTE):
        assert post(caller, "/callbacks/test", {"url": HOOK}).status == 200
    refused = post(caller, "/callbacks/test", {"url": HOOK})
    assert refused.status == 429
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert post(any_edge.caller(), "/callbacks/test", {"url": HOOK}).status == 200
    any_edge.clock.advance(minutes=1)
    assert post(caller, "/callbacks/test", {"url": HOOK}).status == 200


def test_the_message_of_a_generation_is_genuine(caller, any_edge):
    task_id = announced(caller, callback_url=None)
    message = ask(caller, "GET", f"/generations/{task_id}/callbacks/message").body
    assert message["headers"]["webhook-id"] == f"msg_{task_id}_dreaming"
    assert post(caller, "/callbacks/verify", message).body == {"valid": True, "reason": None}
    other = any_edge.caller()
    assert ask(other, "GET", f"/generations/{task_id}/callbacks/message").status == 404
    assert post(other, "/callbacks/verify", message).body["valid"] is False


def changed(message, **headers):
    return {"headers": message["headers"] | headers, "body": message["body"]}


def test_what_is_wrong_with_a_message_is_told(caller):
    task_id = announced(caller)
    message = ask(caller, "GET", f"/generations/{task_id}/callbacks/message").body
    found = {
        "changed": changed(message) | {"body": message["body"] + " "},
        "whole seconds": changed(message, **{"webhook-timestamp": "noon"}),
        "is missing": {"headers": {}, "body": message["body"]},
        "does not fit": changed(message, **{"webhook-signature": "v1,ünfit"}),
    }
    for words, sent in found.items():
        told = post(caller, "/callbacks/verify", sent).body
        assert told["valid"] is False
        assert words in told["reason"]
    capitals = {"headers": {name.title(): text for name, text in message["headers"].items()}, "body": message["body"]}
    assert post(caller, "/callbacks/verify", capitals).body["valid"] is True
    refused = post(caller, "/callbacks/verify", changed(message, **{"x-none": None}))
    assert (refused.status, refused.body["details"][0]["field"]) == (400, "headers")
    caller.edge.clock.advance(minutes=6)
    told = post(caller, "/callbacks/verify", message).body
    assert (told["valid"], "five minutes" in told["reason"]) == (False, True)
    caller.edge.clock.time -= timedelta(minutes=6)
