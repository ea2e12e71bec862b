"""`POST /plan`: all that a request would lead to, by the rules of a submit, with nothing made."""

import time
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from stillmotion.composition.engines import read_words
from stillmotion.domain.catalogue import Catalogue
from tests.builders import some_assets
from tests.http.conftest import models
from tests.http.surfaces.test_clear_meaning import bearer

CREATE = "/dream-machine/v1/generations"
PICTURED = {"prompt": "a slow push in, the girl leans and smiles", "picture": {"width": 1200, "height": 800}}


@pytest.fixture(scope="module")
def planning(start):
    """An edge whose embedded engine reads the words."""
    return start(read_words=read_words)


@pytest.fixture
def customer(planning):
    return planning.caller()


def plan(caller, **body):
    answered = bearer(caller, "POST", "/plan", body)
    assert answered.status == 200, answered.body
    return answered.body


def refused_fields(caller, **body):
    return [each["field"] for each in plan(caller, **body)["problems"]]


def test_the_words_are_understood_as_the_engine_will_understand_them(customer):
    said = plan(customer, **PICTURED)
    assert said["sentence"] == "push in (slow) · lean"
    assert said["not_understood"] == ["smiles"]
    assert said["understood"]["moves"] == [["push_in"]]
    assert said["understood"]["subject"] == ["lean"]
    assert [each["words"] for each in said["understood"]["ignored"]] == ["smiles"]
    assert said["problems"] == []


def test_a_clip_has_the_pictures_shape_and_its_frames_are_counted(customer):
    said = plan(customer, **PICTURED, duration="3s")
    assert said["width"] / said["height"] == pytest.approx(1.5, rel=0.01)
    assert (said["fps"], said["frames"], said["seconds"]) == (24, 72, 3.0)
    assert (said["engine"], said["model"]) == ("parallax/1", "ray-1-6")


def test_a_size_is_not_guessed_for_an_unknown_picture(customer):
    assert plan(customer, prompt="push in")["width"] is None
    shaped = plan(customer, prompt="push in", aspect_ratio="9:16")
    assert (shaped["width"], shaped["height"]) == (720, 1280)


def test_nothing_is_kept_and_no_quota_is_spent(planning):
    caller = planning.caller(video_seconds_per_month=60)
    plan(caller, **PICTURED)
    assert plan(caller, **PICTURED)["quota_remaining_seconds"] == 60
    assert bearer(caller, "GET", CREATE).body["count"] == 0


def test_the_price_is_the_products(planning):
    caller = planning.caller(price_per_second=Decimal("0.02"))
    assert plan(caller, **PICTURED, duration=4)["price"] == pytest.approx(0.08)
    assert plan(caller, **PICTURED, duration=4.02)["price"] == pytest.approx(0.0804), "of what is asked, not of frames"
    assert plan(planning.caller(), **PICTURED)["price"] is None


def test_without_a_picture_the_words_are_read_and_the_picture_is_missed(customer):
    said = plan(customer, prompt="orbit left then tilt up, snow falls")
    assert said["sentence"] == "orbit left, then tilt up · snow"
    assert [each["field"] for each in said["problems"]] == ["keyframes.frame0"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"prompt": "hi"}, ["prompt"]),
        ({"duration": "99s"}, ["duration"]),
        ({"duration": "long"}, ["duration"]),
        ({"aspect_ratio": "5:4", "resolution": "8k"}, ["aspect_ratio", "resolution"]),
        ({"model": "ray-9"}, ["model"]),
        ({"concepts": [{"key": "somersault"}]}, ["concepts.0.key"]),
        ({"callback_url": "http://127.0.0.1/told"}, ["callback_url"]),
        ({"keyframes": {"frame0": {"url": "http://10.0.0.1/a.jpg"}}}, ["keyframes.frame0.url"]),
        ({"keyframes": {"frame0": {"id": "00000000-0000-7000-8000-000000000000"}}}, ["keyframes.frame0.id"]),
        ({"prompt": "hi", "duration": "99s", "codec": "vp9"}, ["prompt", "codec", "duration"]),
    ],
)
def test_it_names_everything_that_a_submit_would_refuse(customer, body, fields):
    asked = {**PICTURED, **body}
    assert refused_fields(customer, **asked) == fields
    sent = {name: value for name, value in asked.items() if name != "picture"}
    sent.setdefault("keyframes", {"frame0": {"url": "https://pictures.example/a.jpg"}})
    assert bearer(customer, "POST", CREATE, sent).status in (400, 422)


def test_a_products_limits_are_named(planning):
    caller = planning.caller(
        models=frozenset({"sora-2"}),
        max_seconds=4.0,
        resolutions=frozenset({"540p"}),
        surfaces=frozenset({"gateway"}),
        video_seconds_per_month=3,
    )
    assert set(refused_fields(caller, **PICTURED)) == {"model", "resolution", "surface", "quota"}
    assert refused_fields(planning.caller(max_seconds=4.0), **PICTURED, duration=6) == ["duration"]


@pytest.mark.parametrize("duration", [-1e308, -(2.0**63), -5, 0, 61, 2.0**64, 1e308])
def test_a_length_that_no_clip_has_is_named_and_the_nearest_is_planned(customer, duration):
    said = plan(customer, **PICTURED, duration=duration)
    assert [each["field"] for each in said["problems"]] == ["duration"]
    assert 0 < said["frames"] <= 1_440


def test_too_many_unfinished_are_named(planning):
    caller = planning.caller(concurrent_generations=1)
    assert refused_fields(caller, **PICTURED) == []
    assert caller.submit().status == 200
    assert refused_fields(caller, **PICTURED) == ["unfinished_generations"]


def test_a_wrong_shape_is_refused_as_ever(customer):
    assert bearer(customer, "POST", "/plan", {"prompt": 5}).status == 400
    assert bearer(customer, "POST", "/plan", {"promt": "push in"}).status == 400
    assert bearer(customer, "POST", "/plan", {"picture": {"width": 0, "height": 5}}).status == 400


def test_a_picture_in_the_body_is_planned_too(customer):
    bad = {"prompt": "push in", "keyframes": {"frame0": {"url": "data:image/png;base64," + "AAAA" * 40_000}}}
    assert refused_fields(customer, **bad) == ["keyframes.frame0.url"]


def test_another_server_takes_the_words_as_they_are(customer):
    said = plan(customer, **PICTURED, model="ray-2")
    assert (said["engine"], said["understood"], said["sentence"]) == ("forward/elsewhere", None, None)
    assert said["not_understood"] == []


def test_a_substitute_is_named(start):
    entry = models().entries["parallax"]
    able = replace(entry, name="wan", engine="diffusers", abilities=frozenset({"first", "last"}), weights="/weights")
    edge = start(catalogue=Catalogue({"wan": able}, {"ray-1-6": ("wan",)}))
    said = plan(edge.caller(), **PICTURED, loop=True)
    assert said["emulated"] == ["loop"]
    assert said["notes"] == ["loop: ends with the picture it starts from, which is dropped"]


def test_the_wait_is_told_from_clips_that_were_made(start):
    edge = start("sqlite")
    caller = edge.caller()
    assert plan(caller, **PICTURED)["eta_seconds"] is None
    made = caller.submit().body["id"]
    begun, until = edge.clock.now(), edge.clock.now() + timedelta(minutes=1)
    caller.change(made, lambda each: each.claimed(until, begun))
    ended = edge.clock.advance(seconds=4)
    caller.change(made, lambda each: each.completed(each.lease, some_assets(made), "{}", ended))
    assert plan(caller, **PICTURED, duration="5s")["eta_seconds"] == 4.0
    caller.submit()
    assert plan(caller, **PICTURED, duration="5s")["eta_seconds"] == 8.0, "its own go before"
    assert bearer(caller, "GET", "/models").body["models"][0]["median_seconds"] == 4.0


def test_it_needs_a_key(planning):
    assert planning.ask("POST", "/plan", "{}", {"Content-Type": "application/json"}).status == 401


def test_a_plan_takes_no_more_than_a_moment(customer):
    plan(customer, **PICTURED)
    took = []
    for number in range(20):
        began = time.perf_counter()
        plan(customer, **PICTURED | {"prompt": f"a slow push in number {number}, the girl leans"})
        took.append(time.perf_counter() - began)
    assert sorted(took)[10] < 0.2  # A fiftieth of it is usual.
