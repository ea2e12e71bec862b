"""The gateway's answers: every status and body, over a real server and every store."""

import uuid

import pytest

from stillmotion.domain.errors import ConcurrencyLimitExceeded, GenerationFailed, StoreUnavailable
from stillmotion.domain.subscriptions import KeySlot, SubscriptionState
from tests.http.conftest import PICTURE_URL, POLL, SUBMIT

INVALID = "Invalid request parameters"
UNAUTHENTICATED = b'{"error":"Invalid or missing authentication"}'
DENIED = b'{"error":"Access denied for this operation"}'
NO_ENDPOINT = b'{"error":"Endpoint not found"}'
NO_TASK = b'{"task_status":"failed","task_status_msg":"task not found"}'
TOO_MANY = b'{"error":"Rate limit exceeded, please retry later"}'
UNEXPECTED = b'{"error":"An unexpected error occurred, please try again later"}'
LIMITS = ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")


def test_a_submit_is_answered_at_once_with_the_queued_generation(any_edge):
    answered = any_edge.caller().submit()
    assert answered.status == 200
    assert answered.body["state"] == "queued"
    assert uuid.UUID(answered.body["id"]).version == 7
    assert answered.body["msg"] == "Image Getting Created"
    assert answered.headers["content-type"] == "application/json"


def test_a_poll_finds_what_a_submit_made(any_edge):
    caller = any_edge.caller()
    submitted = caller.submit()
    polled = caller.poll(submitted.body["id"])
    assert (polled.status, polled.content) == (200, submitted.content)


def test_either_key_works_in_the_header_or_the_query(any_edge):
    caller = any_edge.caller()
    task_id = caller.submit().body["id"]
    body = f'{{"task_id": "{task_id}"}}'
    for key in (caller.issued.primary, caller.issued.secondary):
        assert any_edge.ask("POST", POLL, body, {"Ocp-Apim-Subscription-Key": key}).status == 200
        assert any_edge.ask("POST", f"{POLL}?subscription-key={key}", body).status == 200


def test_the_query_counts_only_without_the_header(any_edge):
    key = any_edge.caller().issued.primary
    answered = any_edge.ask("POST", f"{POLL}?subscription-key={key}", "{}", {"Ocp-Apim-Subscription-Key": "wrong"})
    assert answered.status == 401


@pytest.mark.parametrize("path", [SUBMIT, POLL])
def test_without_a_key_nothing_is_said(any_edge, path):
    answered = any_edge.ask("POST", path, "{}")
    assert (answered.status, answered.content) == (401, UNAUTHENTICATED)
    assert 'name="Ocp-Apim-Subscription-Key"' in answered.headers["www-authenticate"]
    assert answered.headers["x-request-id"]
    assert not any(name in answered.headers for name in LIMITS)


@pytest.mark.parametrize("state", [SubscriptionState.SUSPENDED, SubscriptionState.EXPIRED, SubscriptionState.CANCELLED])
def test_a_subscription_that_is_not_active_has_no_key(any_edge, state):
    caller = any_edge.caller()
    any_edge.run(any_edge.subscriptions.set_state(caller.issued.subscription.id, state))
    assert (caller.submit().status, caller.submit().content) == (401, UNAUTHENTICATED)


def test_a_replaced_key_stops_working_within_a_second_and_the_other_goes_on(any_edge):
    caller = any_edge.caller()
    task_id = caller.submit().body["id"]
    new = any_edge.run(any_edge.subscriptions.rotate(caller.issued.subscription.id, KeySlot.PRIMARY)).key
    any_edge.clock.advance(seconds=1)
    assert caller.poll(task_id).status == 401
    assert caller.poll(task_id, Ocp_Apim_Subscription_Key=caller.issued.secondary).status == 200
    assert caller.poll(task_id, Ocp_Apim_Subscription_Key=new).status == 200


def test_a_product_without_the_surface_is_denied(any_edge):
    caller = any_edge.caller(surfaces=frozenset({"dream_machine"}))
    for answered in (caller.submit(), caller.poll("any")):
        assert (answered.status, answered.content) == (403, DENIED)
        assert "retry-after" not in answered.headers


def test_a_product_without_the_model_is_denied(any_edge):
    caller = any_edge.caller(models=frozenset({"ray-2"}))
    denied = caller.submit()
    assert (denied.status, denied.content) == (403, DENIED)
    assert caller.submit({"prompt": "x", "url": PICTURE_URL, "model": "ray-2"}).status == 200


def test_a_spent_quota_is_denied_until_the_month_ends(any_edge):
    caller = any_edge.caller(video_seconds_per_month=7)
    assert caller.submit().status == 200
    denied = caller.submit()
    assert (denied.status, denied.content) == (403, DENIED)
    assert int(denied.headers["retry-after"]) > 60


@pytest.mark.parametrize("path", ["/", "/lumalabs-ai/v1/other", "/lumalabs-ai/v1/generateRequestFromImage/", "/%00"])
def test_an_unknown_path_is_no_endpoint(any_edge, path):
    answered = any_edge.ask("POST", path, "{}")
    assert (answered.status, answered.content) == (404, NO_ENDPOINT)
    assert answered.headers["x-request-id"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_a_known_path_with_another_method_is_no_endpoint(any_edge, method):
    for path in (SUBMIT, POLL):
        answered = any_edge.ask(method, path)
        assert (answered.status, answered.content) == (404, NO_ENDPOINT)


@pytest.mark.parametrize("task_id", ["abc", "", "%", "../jobs/1", "{id}", "0193a6f2-0000-7000-8000-000000000000"])
def test_an_unknown_task_is_not_found(any_edge, task_id):
    answered = any_edge.caller().poll(task_id)
    assert (answered.status, answered.content) == (404, NO_TASK)


def test_somebody_elses_task_is_not_told_from_none(any_edge):
    theirs = any_edge.caller().submit().body["id"]
    me = any_edge.caller()
    unknown, foreign = me.poll(str(uuid.uuid4())), me.poll(theirs)
    assert foreign.content == unknown.content == NO_TASK
    assert set(foreign.headers) == set(unknown.headers)


def test_the_id_in_capitals_is_the_same_id(any_edge):
    caller = any_edge.caller()
    submitted = caller.submit().body
    polled = caller.poll(submitted["id"].upper())
    assert (polled.status, polled.body["id"]) == (200, submitted["id"])


def test_more_submits_than_allowed_wait_no_longer_than_a_minute(any_edge):
    caller = any_edge.caller(submits_per_minute=2)
    assert [caller.submit().status for _ in range(2)] == [200, 200]
    refused = caller.submit()
    assert (refused.status, refused.content) == (429, TOO_MANY)
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert [refused.headers[name] for name in LIMITS] == ["2", "0", refused.headers["retry-after"]]


def test_waiting_as_long_as_told_is_enough(any_edge):
    caller = any_edge.caller(submits_per_minute=1)
    assert caller.submit().status == 200
    any_edge.clock.advance(seconds=int(caller.submit().headers["retry-after"]))
    assert caller.submit().status == 200


def test_more_unfinished_generations_than_allowed_are_refused(any_edge):
    caller = any_edge.caller(concurrent_generations=1)
    assert caller.submit().status == 200
    refused = caller.submit()
    assert (refused.status, refused.content) == (429, TOO_MANY)
    assert refused.headers["retry-after"] == str(ConcurrencyLimitExceeded("", 5).retry_after)
    assert refused.headers["ratelimit-limit"] == "1"


def test_more_reads_than_allowed_are_refused_for_this_caller_alone(any_edge):
    caller = any_edge.caller(reads_per_minute=2)
    statuses = [caller.poll("none").status for _ in range(3)]
    assert statuses == [404, 404, 429]
    refused = caller.poll("none")
    assert refused.content == TOO_MANY
    assert refused.headers["ratelimit-limit"] == "2"
    assert any_edge.caller().poll("none").status == 404


def test_refused_submits_count_as_reads_and_good_ones_do_not(any_edge):
    caller = any_edge.caller(reads_per_minute=2)
    assert [caller.submit({}).status for _ in range(3)] == [400, 400, 429]
    assert caller.submit().status == 200
    assert caller.poll("none").status == 429


def test_every_authenticated_answer_says_what_is_left(any_edge):
    caller = any_edge.caller(submits_per_minute=10, reads_per_minute=20)
    submitted = caller.submit()
    assert [submitted.headers[name] for name in LIMITS] == ["10", "9", "60"]
    polled = caller.poll(submitted.body["id"])
    assert [polled.headers[name] for name in LIMITS] == ["20", "19", "60"]
    for refused in (caller.poll("none"), caller.submit({})):
        assert refused.headers["ratelimit-limit"] == "20"


def test_an_answer_with_a_generation_says_what_renders_it(any_edge):
    caller = any_edge.caller()
    submitted = caller.submit({"prompt": "x", "url": PICTURE_URL, "model": "ray-2"})
    for answered in (submitted, caller.poll(submitted.body["id"])):
        assert answered.headers["x-stillmotion-engine"] == "forward/elsewhere"
        assert answered.headers["x-stillmotion-progress"] == "0.00"
    assert "x-stillmotion-engine" not in caller.poll("none").headers


def test_progress_is_told_in_a_header(any_edge):
    caller = any_edge.caller()
    task_id = caller.submit().body["id"]
    until = any_edge.clock.now()
    caller.change(task_id, lambda generation: generation.claimed(until))
    caller.change(task_id, lambda generation: generation.renewed(generation.lease, until, 0.4249))
    polled = caller.poll(task_id)
    assert polled.headers["x-stillmotion-progress"] == "0.42"
    assert polled.body["state"] == "dreaming"


def test_every_request_has_a_name_of_its_own(any_edge):
    caller = any_edge.caller()
    names = {caller.poll("none").headers["x-request-id"] for _ in range(3)}
    assert len(names) == 3
    assert all(name.startswith("test-") for name in names)


class BrokenStore:
    """A store that finds subscriptions and fails at everything else."""

    def __init__(self, store, error):
        self.find_subscription, self.access_version = store.find_subscription, store.access_version
        self._error = error

    async def find(self, generation_id):
        raise self._error

    async def queue_controls(self):
        raise self._error

    async def view(self, subscription_id, generation_id):
        raise self._error

    async def submit(self, submission):
        raise self._error


def breaking(edge, error):
    generations = edge.services.generations
    return type(generations)(
        store=BrokenStore(edge.store, error),
        **{name: getattr(generations, name) for name in generations.__dataclass_fields__ if name != "store"},
    )


@pytest.fixture
def failing(start):
    """An edge whose store fails with the given error."""

    def starting(error):
        edge = start()
        return start(access=edge.services.access, generations=breaking(edge, error)), edge.caller()

    return starting


def test_a_bug_is_a_500_with_a_name_and_no_traceback(failing, capsys):
    broken, caller = failing(RuntimeError("secret thing"))
    caller.edge = broken
    for answered in (caller.submit(), caller.poll("any")):
        assert (answered.status, answered.content) == (500, UNEXPECTED)
        assert answered.headers["x-request-id"]
        assert answered.headers["ratelimit-limit"]
    logged = capsys.readouterr()
    assert "secret thing" in logged.out + logged.err
    assert answered.headers["x-request-id"] in logged.out + logged.err


def test_a_store_that_refuses_is_a_503_to_be_tried_again(failing):
    broken, caller = failing(StoreUnavailable("the disk is full", 7))
    caller.edge = broken
    answered = caller.submit()
    assert (answered.status, answered.content) == (503, UNEXPECTED)
    assert answered.headers["retry-after"] == "7"


def test_a_failed_generation_says_why(any_edge):
    caller = any_edge.caller()
    task_id = caller.submit().body["id"]
    now = any_edge.clock.now()
    caller.change(task_id, lambda generation: generation.claimed(now))
    failure = GenerationFailed("unreadable", "The picture could not be read.")
    caller.change(task_id, lambda generation: generation.attempt_failed(generation.lease, failure, now))
    polled = caller.poll(task_id)
    assert (polled.body["state"], polled.body["failure_reason"]) == ("failed", "The picture could not be read.")
    assert "msg" not in polled.body
