"""Reasons of refusals: a code for programs on every surface, and a sentence if the body's format allows one."""

import json
from datetime import timedelta

import pytest

from stillmotion.domain.errors import Reason
from stillmotion.domain.subscriptions import SubscriptionState
from tests.http.conftest import PICTURE_URL, POLL, SUBMIT
from tests.http.surfaces.test_clear_meaning import DREAM_MACHINE, bearer

VIDEOS = "/v1/videos"
BODIES = {
    401: {"error": "Invalid or missing authentication"},
    403: {"error": "Access denied for this operation"},
    429: {"error": "Rate limit exceeded, please retry later"},
}
GOOD = {"prompt": "leaning girl", "url": PICTURE_URL}


def suspended(edge, state):
    caller = edge.caller()
    edge.run(edge.subscriptions.set_state(caller.issued.subscription.id, state))
    return caller


def expired(edge):
    caller = edge.caller()
    over = {"expires_at": edge.clock.now() - timedelta(seconds=1)}
    edge.run(edge.subscriptions.update(caller.issued.subscription.id, over))
    return caller


def busy(edge, **product):
    caller = edge.caller(**product)
    assert caller.submit().status == 200
    return caller


CASES = {
    Reason.SUBSCRIPTION_SUSPENDED: (401, lambda edge: suspended(edge, SubscriptionState.SUSPENDED), {}),
    Reason.SUBSCRIPTION_CANCELLED: (401, lambda edge: suspended(edge, SubscriptionState.CANCELLED), {}),
    Reason.SUBSCRIPTION_EXPIRED: (401, expired, {}),
    Reason.SURFACE_NOT_INCLUDED: (403, lambda edge: edge.caller(surfaces=frozenset({"openai"})), {}),
    Reason.MODEL_NOT_INCLUDED: (403, lambda edge: edge.caller(models=frozenset({"ray-2"})), {}),
    Reason.RESOLUTION_NOT_INCLUDED: (403, lambda edge: edge.caller(resolutions=frozenset({"540p"})), {}),
    Reason.LENGTH_NOT_INCLUDED: (403, lambda edge: edge.caller(max_seconds=2.0), {}),
    Reason.QUOTA_SPENT: (403, lambda edge: edge.caller(video_seconds_per_month=1), {}),
    Reason.SUBMITS_PER_MINUTE: (429, lambda edge: busy(edge, submits_per_minute=1), {}),
    Reason.UNFINISHED_GENERATIONS: (429, lambda edge: busy(edge, concurrent_generations=1), {}),
}


@pytest.mark.parametrize("reason", CASES)
def test_the_gateway_says_in_a_header_what_its_body_does_not(start, reason):
    edge = start()
    status, caller_of, asked = CASES[reason]
    answered = caller_of(edge).submit(GOOD | asked)
    assert (answered.status, answered.body) == (status, BODIES[status])
    assert answered.headers["x-stillmotion-reason"] == reason


def test_reads_are_limited_by_a_reason_of_their_own(edge):
    caller = edge.caller(reads_per_minute=1)
    answers = [caller.poll("none") for _ in range(2)]
    assert [each.status for each in answers] == [404, 429]
    assert "x-stillmotion-reason" not in answers[0].headers
    assert answers[1].headers["x-stillmotion-reason"] == "reads_per_minute"


@pytest.mark.parametrize(
    ("headers", "path", "reason"),
    [
        ({}, SUBMIT, "no_key"),
        ({"Ocp-Apim-Subscription-Key": ""}, SUBMIT, "no_key"),
        ({"Ocp-Apim-Subscription-Key": "sm_" + "x" * 43}, SUBMIT, "unknown_key"),
        ({"Ocp-Apim-Subscription-Key": "x" * 5000}, SUBMIT, "unknown_key"),
        ({}, f"{SUBMIT}?subscription-key=a&subscription-key=b", "several_keys"),
        ({"Authorization": "Basic eDp5"}, VIDEOS, "no_key"),
        ({"Authorization": "Bearer sm_x"}, f"{DREAM_MACHINE}", "unknown_key"),
    ],
)
def test_what_is_wrong_with_a_key_is_told_apart(edge, headers, path, reason):
    answered = edge.ask("POST", path, json.dumps(GOOD), headers | {"Content-Type": "application/json"})
    assert (answered.status, answered.headers["x-stillmotion-reason"]) == (401, reason)


@pytest.mark.parametrize(
    ("product", "code", "sentence"),
    [
        ({"surfaces": frozenset({"gateway"})}, "surface_not_included", "does not include the {surface} surface"),
        ({"models": frozenset({"ray-1-6"})}, "model_not_included", "does not include the model ray-2"),
        ({"resolutions": frozenset({"540p"})}, "resolution_not_included", "does not include 720p"),
        ({"max_seconds": 2.0}, "length_not_included", "includes clips of 2 seconds at most"),
    ],
)
def test_the_other_surfaces_say_the_reason_in_the_error(edge, product, code, sentence):
    caller = edge.caller(**product)
    keyframes = {"frame0": {"url": PICTURE_URL}}
    dream = bearer(caller, "POST", DREAM_MACHINE, {"prompt": "leaning", "model": "ray-2", "keyframes": keyframes})
    body = {"prompt": "leaning", "model": "ray-2", "input_reference": PICTURE_URL}
    video = bearer(caller, "POST", VIDEOS, body)
    assert (dream.status, video.status, video.body["error"]["code"]) == (403, 403, code)
    assert dream.body["detail"].startswith("Access denied for this operation: the product")
    assert dream.body["detail"].endswith(sentence.format(surface="dream-machine"))
    assert video.body["error"]["message"].endswith(sentence.format(surface="openai"))
    assert {each.headers["x-stillmotion-reason"] for each in (dream, video)} == {code}


def test_the_codes_that_openais_clients_know_stay_what_they_are(edge):
    caller = busy(edge, submits_per_minute=1)
    limited = bearer(caller, "POST", VIDEOS, {"prompt": "leaning", "input_reference": PICTURE_URL})
    assert (limited.body["error"]["code"], limited.headers["x-stillmotion-reason"]) == (
        "rate_limit_exceeded",
        "submits_per_minute",
    )
    assert limited.body["error"]["message"].endswith(": 1 submit a minute is allowed")
    unknown = edge.ask("GET", VIDEOS, headers={"Authorization": "Bearer sm_x"})
    assert unknown.body["error"] == {
        "message": "Invalid or missing authentication: the key is unknown",
        "type": "invalid_request_error",
        "param": None,
        "code": "invalid_api_key",
    }


def test_every_reason_has_a_meaning():
    assert all(each.meaning for each in Reason)
    assert all(each.value.islower() for each in Reason)


def test_an_answer_for_another_cause_has_no_reason(caller):
    for answered in (caller.submit(), caller.submit({}), caller.poll("none")):
        assert "x-stillmotion-reason" not in answered.headers
    assert caller.edge.ask("GET", POLL).status == 404
