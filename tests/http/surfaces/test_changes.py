"""A generation once more, cancelled and edited: paths of all surfaces, in the Dream Machine's JSON."""

import json

import pytest

from stillmotion.domain.request import Keyframe, Purpose
from tests.builders import NOON, some_assets
from tests.http.conftest import PICTURE_URL
from tests.http.parsing.test_uploads import upload
from tests.http.surfaces.test_clear_meaning import DREAM_MACHINE, bearer, dream, video
from tests.http.surfaces.test_gateway_requests import data_uri

UNKNOWN = "0193b1d2-6f5e-7c31-9d2a-5b0c7f3e8a44"


def made(caller, **parts):
    asked = {"keyframes": {"frame0": {"url": PICTURE_URL}}} | parts
    return dream(caller, **asked).body["id"]


def retry(caller, generation_id, changes=None, **headers):
    return caller.post(f"/generations/{generation_id}/retry", {} if changes is None else changes, **headers)


def kept(caller, generation_id):
    return caller.edge.run(caller.edge.store.find(generation_id))


def fail(caller, generation_id):
    caller.change(generation_id, lambda each: each.claimed(NOON))
    caller.change(generation_id, lambda each: each.cancelled(NOON))


def test_the_same_again_asks_for_the_same_by_the_same_seed(any_edge):
    caller = any_edge.caller()
    first = made(
        caller, loop=True, duration="7s", resolution="540p", concepts=[{"key": "push_in"}], metadata={"a": "b"}
    )
    caller.complete(first)
    again = retry(caller, first.upper())
    assert (again.status, again.body["retry_of"], again.body["state"]) == (201, first, "queued")
    one, other = kept(caller, first), kept(caller, again.body["id"])
    assert other.request == one.again
    assert (other.surface, other.metadata, other.retry_of) == (one.surface, {"a": "b"}, first)
    assert again.headers["ratelimit-remaining"]
    assert again.headers["x-stillmotion-engine"]


def test_every_field_of_a_submit_can_be_changed(any_edge):
    caller = any_edge.caller()
    first = made(caller, loop=True)
    changes = {
        "prompt": "a wider lake",
        "keyframes": {"frame1": {"url": "https://example.com/end.png"}},
        "aspect_ratio": "9:16",
        "loop": False,
        "duration": 6,
        "resolution": "540p",
        "concepts": [{"key": "orbit_left"}],
        "callback_url": "https://example.com/told",
        "model": "ray-1-6",
        "seed": 7,
        "codec": "h264",
        "metadata": {"take": "2"},
    }
    again = kept(caller, retry(caller, first, changes).body["id"])
    asked = again.request
    assert (asked.prompt, asked.aspect_ratio, asked.loop, asked.seconds) == ("a wider lake", "9:16", False, 6)
    assert (asked.frame0, asked.frame1) == (Keyframe(url=PICTURE_URL), Keyframe(url="https://example.com/end.png"))
    assert (asked.resolution, asked.concepts, asked.model, asked.seed) == ("540p", ("orbit_left",), "ray-1-6", 7)
    assert (asked.callback_url, asked.codec, again.metadata) == ("https://example.com/told", "h264", {"take": "2"})


@pytest.mark.parametrize("how", ["data URI", "upload"])
def test_the_pictures_of_a_retry_outlive_the_first(any_edge, how):
    """Each generation has its own copy: the first's folder goes with it."""
    caller = any_edge.caller()
    address = data_uri() if how == "data URI" else upload(caller).body["url"]
    first = made(caller, keyframes={"frame0": {"url": address}})
    again = retry(caller, first).body["id"]
    key = kept(caller, again).request.frame0.key
    assert key.startswith(f"inputs/{again}/")
    assert bearer(caller, "DELETE", f"{DREAM_MACHINE}/{first}").status == 204
    assert any_edge.run(any_edge.objects.find(key)) is not None
    third = kept(caller, retry(caller, again).body["id"]).request.frame0.key
    assert any_edge.run(any_edge.objects.find(third)).size == any_edge.run(any_edge.objects.find(key)).size


def test_a_picture_that_is_gone_is_named_and_nothing_is_kept(any_edge):
    caller = any_edge.caller()
    first = made(caller, keyframes={"frame0": {"url": data_uri()}})
    any_edge.run(any_edge.objects.delete(kept(caller, first).request.frame0.key))
    refused = retry(caller, first)
    assert refused.status == 400
    assert refused.body["details"] == [
        {"field": "keyframes.frame0", "message": "is no longer stored: send the picture again"}
    ]
    assert bearer(caller, "GET", DREAM_MACHINE).body["count"] == 1


def test_a_generation_of_any_surface_and_state_is_made_once_more(any_edge):
    caller = any_edge.caller()
    of_gateway = caller.submit().body["id"]
    fail(caller, of_gateway)
    of_openai = video(caller, prompt="x").body["id"]
    for first, surface in ((of_gateway, "gateway"), (of_openai, "openai")):
        assert kept(caller, retry(caller, first).body["id"]).surface == surface


def test_a_reframed_video_keeps_what_it_is_made_of(any_edge):
    caller = any_edge.caller()
    first = made(caller)
    caller.complete(first)
    media = {"url": bearer(caller, "GET", f"{DREAM_MACHINE}/{first}").body["assets"]["video"]}
    reframed = bearer(caller, "POST", f"{DREAM_MACHINE}/video/reframe", {"media": media, "aspect_ratio": "1:1"})
    again = kept(caller, retry(caller, reframed.body["id"], {"aspect_ratio": "9:16"}).body["id"]).request
    assert (again.purpose, again.source, again.aspect_ratio) == (Purpose.REFRAME, first, "9:16")
    refused = retry(caller, reframed.body["id"], {"loop": True, "duration": 5})
    assert [each["field"] for each in refused.body["details"]] == ["duration", "loop"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"prompt": "x"}, "prompt"),
        ({"duration": "100s"}, "duration"),
        ({"resolution": "8k"}, "resolution"),
        ({"model": "no such"}, "model"),
        ({"seed": -1}, "seed"),
        ({"metadata": {"": "x"}}, "metadata"),
        ({"keyframes": {"frame0": {"id": UNKNOWN}}}, "keyframes.frame0.id"),
        ({"keyframes": {"frame0": {"url": "http://127.0.0.1/x.png"}}}, "keyframes.frame0.url"),
        ({"loop": True, "keyframes": {"frame1": {"url": PICTURE_URL}}}, "loop"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_change_that_is_refused_is_named_in_the_bodys_own_words(caller, changes, field):
    refused = retry(caller, made(caller), changes)
    assert refused.status == 400
    assert [each["field"] for each in refused.body["details"]] == [field]


def test_a_retry_that_is_sent_twice_is_one_generation(any_edge):
    caller = any_edge.caller()
    first = made(caller)
    one, other = (retry(caller, first, Idempotency_Key="once") for _ in range(2))
    assert one.body["id"] == other.body["id"]
    assert retry(caller, first, {"seed": 2}, Idempotency_Key="once").status in (400, 409, 422)


def test_a_cancelled_generation_stays_and_costs_nothing(any_edge):
    caller = any_edge.caller(video_seconds_per_month=10)
    first = made(caller)
    cancelled = caller.post(f"/generations/{first}/cancel", b"")
    assert (cancelled.status, cancelled.body["state"]) == (200, "failed")
    assert cancelled.body["failure_reason"] == "The generation was cancelled."
    assert caller.post(f"/generations/{first}/cancel", {}).body == cancelled.body
    assert made(caller) != made(caller)


def test_what_has_ended_is_not_cancelled(caller):
    first = made(caller)
    caller.complete(first)
    refused = caller.post(f"/generations/{first}/cancel", {})
    assert refused.status == 400
    assert refused.body["details"] == [
        {"field": "id", "message": "is completed already: only an unfinished generation can be cancelled"}
    ]


def edit(caller, generation_id, changes):
    return caller.edge.ask(
        "PATCH",
        f"/generations/{generation_id}",
        json.dumps(changes),
        {"Ocp-Apim-Subscription-Key": caller.issued.primary, "Content-Type": "application/json"},
    )


def test_words_are_edited(any_edge):
    caller = any_edge.caller()
    first = made(caller, metadata={"a": "1", "b": "2"})
    edited = edit(caller, first, {"prompt": "a hill", "metadata": {"a": None, "favourite": "true"}})
    assert edited.status == 200
    assert (edited.body["request"]["prompt"], edited.body["metadata"]) == ("a hill", {"b": "2", "favourite": "true"})
    caller.complete(first)
    assert edit(caller, first, {"metadata": {"b": None}}).body["metadata"] == {"favourite": "true"}
    assert edit(caller, first, {}).body["metadata"] == {"favourite": "true"}
    assert bearer(caller, "GET", f"{DREAM_MACHINE}?search=hill&metadata.favourite=true").body["count"] == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"prompt": "x"}, "prompt"),
        ({"prompt": " "}, "prompt"),
        ({"prompt": None}, "prompt"),
        ({"metadata": {"a": 1}}, "metadata"),
        ({"metadata": {str(number): "" for number in range(17)}}, "metadata"),
        ({"seed": 1}, "seed"),
    ],
)
def test_an_edit_that_is_refused_is_named(caller, changes, field):
    refused = edit(caller, made(caller), changes)
    assert (refused.status, [each["field"] for each in refused.body["details"]]) == (400, [field])


def test_the_prompt_is_fixed_once_it_is_rendered(caller):
    first = made(caller)
    caller.change(first, lambda each: each.claimed(NOON))
    refused = edit(caller, first, {"prompt": "too late"})
    assert refused.body["details"][0]["message"] == "can be changed while it is queued only; it is dreaming"
    caller.change(first, lambda each: each.completed(each.lease, some_assets(first), "{}", NOON))


@pytest.mark.parametrize("path", ["/retry", "/cancel", ""])
def test_anothers_generation_is_as_unknown_as_none(any_edge, path):
    caller, other = any_edge.caller(), any_edge.caller()
    theirs = made(other)
    before = kept(other, theirs)
    answers = []
    for generation_id in (theirs, UNKNOWN):
        ask = edit if path == "" else lambda who, id_, body: who.post(f"/generations/{id_}{path}", body)
        answers.append(ask(caller, generation_id, {"metadata": {"a": "b"}} if path != "/cancel" else {}))
    assert [each.status for each in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    assert kept(other, theirs) == before
    assert any_edge.ask("POST" if path else "PATCH", f"/generations/{theirs}{path}", b"{}").status == 401
