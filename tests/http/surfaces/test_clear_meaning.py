"""Lenient input with a clear meaning: ids in capitals, nulls, keyframes without a type, other spellings."""

import json

import pytest

from stillmotion.domain.request import Keyframe
from tests.http.conftest import PICTURE_URL
from tests.http.parsing.test_uploads import upload
from tests.http.surfaces.test_admin import PRODUCTS, SUBSCRIPTIONS
from tests.http.surfaces.test_admin import ask as administer
from tests.http.surfaces.test_gateway_requests import data_uri

DREAM_MACHINE = "/dream-machine/v1/generations"


def bearer(caller, method, path, body=None):
    headers = {"Authorization": f"Bearer {caller.issued.primary}", "Content-Type": "application/json"}
    return caller.edge.ask(method, path, None if body is None else json.dumps(body), headers)


def dream(caller, **parts):
    return bearer(caller, "POST", DREAM_MACHINE, {"model": "ray-2", "prompt": "leaning girl"} | parts)


def video(caller, **parts):
    return bearer(caller, "POST", "/v1/videos", {"prompt": "leaning girl", "input_reference": PICTURE_URL} | parts)


def stored(caller, answered):
    assert answered.status in (200, 201), answered.content
    return caller.edge.run(caller.edge.store.find(answered.body["id"])).request


@pytest.mark.parametrize(
    ("keyframe", "kept"),
    [
        ({"url": PICTURE_URL}, "url"),
        ({"type": None, "url": PICTURE_URL, "id": None}, "url"),
        ({"type": "image", "url": PICTURE_URL, "id": None}, "url"),
        ({"url": data_uri()}, "key"),
        ({"id": "ID"}, "id"),
        ({"type": "generation", "id": "ID", "url": None}, "id"),
        ({"type": "generation", "id": "CAPITALS"}, "id"),
    ],
)
@pytest.mark.parametrize("place", ["frame0", "frame1"])
def test_a_keyframe_says_by_its_members_what_it_is(caller, keyframe, kept, place):
    earlier = caller.submit().body["id"]
    caller.complete(earlier)
    ids = {"ID": earlier, "CAPITALS": earlier.upper()}
    given = {name: ids.get(value, value) for name, value in keyframe.items()}
    taken = getattr(stored(caller, dream(caller, keyframes={place: given})), place)
    assert [name for name, value in vars(taken).items() if value is not None] == [kept]
    assert taken.id in (None, earlier)


@pytest.mark.parametrize(
    ("keyframe", "named"),
    [
        ({}, "keyframes.frame1.url: is required: must be a string"),
        ({"type": "image"}, "keyframes.frame1.url: is required"),
        ({"type": "image", "id": "x"}, "keyframes.frame1.url: is required"),
        ({"type": "generation"}, "keyframes.frame1.id: is required"),
        ({"type": "generation", "url": PICTURE_URL}, "keyframes.frame1.id: is required"),
        ({"type": "video", "url": PICTURE_URL}, 'keyframes.frame1.type: must be "image" or "generation"'),
        ({"url": PICTURE_URL, "id": "x"}, "keyframes.frame1.url: cannot stand beside id"),
        ({"type": "image", "url": PICTURE_URL, "id": "x"}, "keyframes.frame1.id: cannot stand beside url"),
        ({"url": 5}, "keyframes.frame1.url: must be a string"),
        ({"url": PICTURE_URL, "weight": 1}, "keyframes.frame1.weight: is not a field here; there are type, url, id"),
        (PICTURE_URL, 'keyframes.frame1: must be {"type": "image", "url": "…"} or'),
    ],
)
def test_a_keyframe_that_says_two_things_or_nothing_is_refused_by_its_part(caller, keyframe, named):
    answered = dream(caller, keyframes={"frame0": {"url": PICTURE_URL}, "frame1": keyframe})
    assert answered.status == 422
    assert answered.body["detail"].startswith(named)


def test_null_members_are_absent_on_every_surface(caller):
    names = ["input_reference", "model", "seconds", "size", "seed", "fps", "num_frames", "negative_prompt", "codec"]
    names += ["user"]
    asked = dict.fromkeys(names) | {"input_reference": {"image_url": PICTURE_URL, "file_id": None}}
    assert stored(caller, video(caller, **asked)).frame0 == Keyframe(url=PICTURE_URL)
    assert stored(caller, video(caller, metadata=None)).model == "sora-2"
    nulls = dict.fromkeys(["model", "aspect_ratio", "loop", "duration", "resolution", "concepts", "callback_url"])
    assert stored(caller, dream(caller, keyframes={"frame0": {"url": PICTURE_URL}}, **nulls)).model == "ray-1-6"
    gateway = caller.submit({"prompt": "leaning girl", "url": PICTURE_URL, "negative": None, "seed": None})
    assert gateway.status == 200


def test_what_is_needed_is_not_there_as_null(caller):
    refused = caller.submit({"prompt": None, "url": PICTURE_URL})
    assert refused.body["details"][0]["message"].startswith("is required")
    assert video(caller, prompt=None).body["error"]["param"] == "prompt"


def test_null_still_says_every_one_to_the_administration(edge):
    assert administer(edge, "POST", PRODUCTS, {"name": "nulls", "models": ["sora-2"]}).body["models"] == ["sora-2"]
    assert administer(edge, "PATCH", f"{PRODUCTS}/nulls", {"models": None}).body["models"] is None
    assert administer(edge, "PATCH", f"{PRODUCTS}/nulls", {"submits_per_minute": None}).status == 400


def test_ids_in_capitals_are_ids_on_every_path(caller):
    submitted = caller.submit({"prompt": "x", "url": PICTURE_URL, "callback_url": "https://example.com/told"})
    made = submitted.body["id"]
    caller.complete(made)
    capitals = made.upper()
    for path in (f"{DREAM_MACHINE}/{capitals}", f"/v1/videos/{capitals}", f"/generations/{capitals}/plan"):
        assert bearer(caller, "GET", path).body["id"] == made
    logged = bearer(caller, "GET", f"/generations/{capitals}/callbacks").body["callbacks"]
    path = f"/generations/{capitals}/callbacks/{logged[0]['id'].upper()}/replay"
    assert bearer(caller, "POST", path).status == 202
    assert bearer(caller, "GET", f"/generations/{capitals}/events").status == 200
    assert bearer(caller, "GET", f"/v1/videos/{capitals}/content").status == 200
    assert bearer(caller, "GET", f"/v1/videos?after={capitals}").body["data"] == []
    upscaled = bearer(caller, "POST", f"{DREAM_MACHINE}/{capitals}/upscale", {"resolution": "1080p"})
    assert stored(caller, upscaled).source == made
    media = {"url": f"https://video.example/assets/generations/{capitals}/token.mp4"}
    asked = {"media": media, "aspect_ratio": "1:1"}
    assert stored(caller, bearer(caller, "POST", f"{DREAM_MACHINE}/video/reframe", asked)).source == made
    assert bearer(caller, "DELETE", f"/v1/videos/{capitals}").body["id"] == made
    assert bearer(caller, "DELETE", f"{DREAM_MACHINE}/{capitals}").status == 404


def test_an_uploads_id_in_capitals_is_its_id(caller):
    made = upload(caller).body["id"]
    taken = stored(caller, video(caller, input_reference={"file_id": made.upper()}))
    assert taken.frame0.key is not None


@pytest.mark.parametrize(
    ("spelling", "model"),
    [
        ("sora-2-2025-12-08", "sora-2"),
        ("sora-2-2025-10-06", "sora-2"),
        ("sora-2-pro-2025-10-06", "sora-2-pro"),
        ("sora-2-20251208", "sora-2"),
        ("SORA-2", "sora-2"),
        ("sora_2", "sora-2"),
        ("sora-2.0", "sora-2"),
        ("ray-1.6", "ray-1-6"),
        ("Ray-1.6-2025-01-15", "ray-1-6"),
        ("ray_2", "ray-2"),
    ],
)
def test_a_dated_or_dotted_spelling_stands_for_its_model(caller, spelling, model):
    keyframes = {"frame0": {"url": PICTURE_URL}}
    answers = [
        video(caller, model=spelling),
        dream(caller, model=spelling, keyframes=keyframes),
        caller.submit({"prompt": "x", "url": PICTURE_URL, "model": spelling}),
    ]
    assert [(each.body["model"], stored(caller, each).model) for each in answers] == [(model, model)] * 3
    assert bearer(caller, "GET", f"/v1/models/{spelling}").body["id"] == model


@pytest.mark.parametrize(
    "spelling", ["sora-20", "sora-2-5", "sora", "ray-16", "ray-1.6.1", "sora-2-pro-2", "-2025-12-08"]
)
def test_another_model_is_not_guessed(caller, spelling):
    assert video(caller, model=spelling).body["error"]["param"] == "model"


def test_a_product_that_includes_a_model_includes_its_spellings(edge):
    caller = edge.caller(models=frozenset({"sora-2"}))
    assert video(caller, model="sora-2-2025-12-08").status == 200
    assert video(caller, model="sora-2-pro-2025-10-06").status == 403


def test_a_product_may_be_told_its_models_by_other_spellings(edge):
    asked = {"name": "dated", "models": ["sora-2-2025-12-08", "ray-1.6"]}
    assert administer(edge, "POST", PRODUCTS, asked).body["models"] == ["ray-1-6", "sora-2"]


def test_a_subscriptions_id_in_capitals_is_its_id(edge):
    made = administer(edge, "POST", SUBSCRIPTIONS, {"name": "Ada"}).body["subscription"]
    path = f"{SUBSCRIPTIONS}/{made.upper()}"
    assert administer(edge, "GET", path).body["id"] == made
    assert administer(edge, "PATCH", path, {"name": "Grace"}).body["name"] == "Grace"
    assert administer(edge, "POST", f"{path}/keys/primary").body["subscription"] == made
