"""Field names in refusals: each names the faulty part, and by the surface's own name alone."""

import base64
import itertools
import json
import re
from dataclasses import replace

import msgspec
import pytest

from stillmotion.adapters.models.catalogue import read_catalogue
from stillmotion.domain.errors import Field
from stillmotion.http.app import ALL_SURFACES
from stillmotion.http.parsing.decoding import _alternatives, _plain_type
from stillmotion.http.surfaces.dreammachine import refusals as dreammachine
from stillmotion.http.surfaces.gateway import refusals as gateway
from stillmotion.http.surfaces.openai import refusals as openai
from tests.http.conftest import PICTURE_URL, SUBMIT, models
from tests.http.surfaces.test_clear_meaning import bearer
from tests.http.surfaces.test_gateway_requests import PNG

WORDS = {"gateway": gateway.FIELDS, "dream-machine": dreammachine.FIELDS, "openai": openai.FIELDS}
SUBMITS = {"gateway": SUBMIT, "dream-machine": "/dream-machine/v1/generations", "openai": "/v1/videos"}
BESIDE = {"body", "query", "Idempotency-Key"}
UNREACHABLE = {
    "gateway": {Field.SOURCE, Field.SOURCE_URL, Field.PLACEMENT, Field.FPS, Field.FRAME_COUNT, Field.NEGATIVE_PROMPT},
    "dream-machine": {Field.PLACEMENT, Field.FPS, Field.FRAME_COUNT, Field.NEGATIVE_PROMPT},
    "openai": {Field.CALLBACK_URL, Field.SOURCE, Field.SOURCE_URL, Field.PLACEMENT},
}
"""Fields that the callers of a surface cannot set."""
GOOD = {
    "gateway": {"prompt": "leaning girl", "url": PICTURE_URL},
    "dream-machine": {"model": "ray-2", "prompt": "leaning girl", "keyframes": {"frame0": {"url": PICTURE_URL}}},
    "openai": {"prompt": "leaning girl", "input_reference": PICTURE_URL},
}
BAD_ADDRESSES = {
    "a private address": "http://127.0.0.1/x.png",
    "another scheme": "ftp://example.com/x.png",
    "no address": "photo.jpg",
    "a data URI of text": "data:text/plain,hello",
    "garbage in base64": "data:image/png;base64,!!!!",
    "bare base64": "iVBORw0KGgo" + "A" * 200,
    "another's upload": "http://h/assets/uploads/0193b1d2-6f5e-7c31-9d2a-5b0c7f3e8a44/" + "a" * 43,
    "a number": 5,
    "a list": [PICTURE_URL],
}
TOLD_BY_THE_APPLICATION = ("another's upload", "a private address", "another scheme", "no address")


def names_of(wire, path=""):
    """The paths to all fields of a struct, with 0 for an item of a list."""
    for each in msgspec.structs.fields(wire):
        yield path + each.encode_name
        for kind in _alternatives(each.type):
            inner, deeper = kind, f"{path}{each.encode_name}."
            if getattr(kind, "__origin__", None) in (tuple, list):
                inner, deeper = _plain_type(kind.__args__[0]), f"{deeper}0."
            if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
                yield from names_of(inner, deeper)


def own_names(surface):
    (found,) = [each for each in ALL_SURFACES if each.name == surface]
    taken = {name for operation in found.operations for name in names_of(operation.wire)}
    in_paths = {name for operation in found.operations for name in operation.parameters}
    in_forms = {name for operation in found.operations for name in operation.files}
    return taken | in_paths | in_forms | BESIDE


def told(surface, answered):
    """The parts that a refusal names, and its whole text."""
    body = answered.body
    if surface == "gateway":
        return [each["field"] for each in body["details"]], json.dumps(body["details"])
    sentence = body["detail"] if surface == "dream-machine" else body["error"]["message"]
    named = [part.partition(": ")[0] for part in re.split(r"; (?=[\w.-]+: )", sentence)]
    return named, sentence


def ask(caller, surface, body):
    if surface == "gateway":
        return caller.submit(body)
    return bearer(caller, "POST", SUBMITS[surface], body)


def refusals(surface):
    """Faulty submits: a description, the body, and the part that the refusal must name."""
    good = GOOD[surface]
    for what, added, part in (*pictures(surface), *numbers(surface), *words(surface)):
        yield what, good | added, part
    others = ("url", "end_url", "duration", "seconds", "input_reference", "keyframes", "frame0", "image_url", "size")
    for other in others:
        if other not in names_of_submit(surface):
            yield f"{other} of another surface", good | {other: PICTURE_URL}, other


def pictures(surface):
    places = {
        "gateway": [("url", lambda it: {"url": it}), ("end_url", lambda it: {"end_url": it})],
        "dream-machine": [
            (f"keyframes.frame{n}.url", lambda it, n=n: {"keyframes": {f"frame{n}": {"type": "image", "url": it}}})
            for n in (0, 1)
        ],
        "openai": [
            ("input_reference", lambda it: {"input_reference": it}),
            ("input_reference.image_url", lambda it: {"input_reference": {"image_url": it}}),
        ],
    }[surface]
    for (name, put), (what, address) in itertools.product(places, BAD_ADDRESSES.items()):
        # The application's refusals name the picture, in either of its forms.
        part = name.removesuffix(".image_url") if what in TOLD_BY_THE_APPLICATION else name
        yield f"{what} as {name}", put(address), part


def numbers(surface):
    seconds = "seconds" if surface == "openai" else "duration"
    for value in (0, 13, "five", [5], True):
        yield f"{seconds} {value!r}", {seconds: value}, seconds
    for seed in (-1, 2**63, "x"):
        yield f"seed {seed!r}", {"seed": seed}, "seed"
    if surface == "openai":
        yield "frames a second of another engine", {"fps": 30}, "fps"
        yield "too many frames", {"num_frames": 5000}, "num_frames"


def words(surface):
    for model in ("nothing", 5, ["ray-2"]):
        yield f"model {model!r}", {"model": model}, "model"
    yield "a prompt of another type", {"prompt": 5}, "prompt"
    if surface != "dream-machine":  # Its sentences for prompts name no field.
        yield "a blank prompt", {"prompt": "\u200b"}, "prompt"
        yield "a long prompt", {"prompt": "a" * 5001}, "prompt"
    if surface == "openai":
        for value in ("16:9", "1x1", "100000x100000", 5):
            yield f"size {value!r}", {"size": value}, "size"
        yield "words to keep away from", {"negative_prompt": "blur"}, "negative_prompt"
    else:
        for value in ("16:10", 5):
            yield f"aspect_ratio {value!r}", {"aspect_ratio": value}, "aspect_ratio"
            yield f"resolution {value!r}", {"resolution": value}, "resolution"
        yield "a private callback", {"callback_url": "http://10.0.0.1/"}, "callback_url"
        yield "a loop that is no word", {"loop": "maybe"}, "loop"


def names_of_submit(surface):
    (found,) = [each for each in ALL_SURFACES if each.name == surface]
    (operation, *_) = [each for each in found.operations if each.path == SUBMITS[surface]]
    return {each.encode_name for each in msgspec.structs.fields(operation.wire)}


REFUSALS = [(surface, *each) for surface in SUBMITS for each in refusals(surface)]


@pytest.mark.parametrize("surface", WORDS)
def test_a_surface_has_a_name_of_its_own_for_every_part_that_can_be_asked_there(surface):
    assert set(WORDS[surface]) == set(Field)
    reachable = set(Field) - UNREACHABLE[surface]
    assert {WORDS[surface][each] for each in reachable} <= own_names(surface)


@pytest.mark.parametrize(("surface", "what", "body", "part"), REFUSALS, ids=[f"{s}: {w}" for s, w, _, _ in REFUSALS])
def test_a_refusal_names_the_part_by_the_asked_surfaces_own_name(caller, surface, what, body, part):
    answered = ask(caller, surface, body)
    assert answered.status in (400, 422), what
    named, sentence = told(surface, answered)
    assert named == [part]
    asked = set(json.dumps(body).replace('"', " ").split())
    foreign = {"end_url", "keyframes", "frame0", "frame1", "input_reference", "media.url", "duration", "seconds:"}
    own = " ".join(own_names(surface))
    said = {word for word in foreign if word.rstrip(":") not in own and re.search(rf"\b{word}", sentence)}
    assert {word for word in said if word.rstrip(":") not in asked} == set()


@pytest.mark.parametrize(
    ("surface", "body", "sentence"),
    [
        ("openai", {"duration": 4}, "duration: is not a field here; there are prompt, input_reference, model, seconds"),
        ("openai", {"url": PICTURE_URL}, "url: is not a field here; there are prompt, input_reference"),
        ("openai", {"image_url": PICTURE_URL}, "image_url: is not a field here: it belongs into input_reference"),
        (
            "openai",
            {"input_reference": {"url": PICTURE_URL}},
            "input_reference.url: is not a field here; there are image_url, file_id",
        ),
        (
            "openai",
            {"input_reference": {"image_url": {"url": PICTURE_URL}}},
            "input_reference.image_url: must be a string",
        ),
        (
            "openai",
            {"input_reference": {"input_reference": PICTURE_URL}},
            "input_reference.input_reference: is not a field here; there are image_url, file_id",
        ),
        ("openai", {"input_reference": {}}, "input_reference: must be one"),
        (
            "dream-machine",
            {"keyframes": None, "frame0": {"type": "image", "url": PICTURE_URL}},
            "frame0: is not a field here: it belongs into keyframes",
        ),
        ("dream-machine", {"concepts": [{"key": "push_in"}, {"name": "x"}]}, "concepts.1.key: is required"),
        ("dream-machine", {"concepts": ["push_in"]}, 'concepts: must be a list of {"key": "…"}'),
    ],
)
def test_what_stands_at_the_wrong_place_is_named_with_its_place(caller, surface, body, sentence):
    answered = ask(caller, surface, GOOD[surface] | body)
    assert answered.status in (400, 422)
    assert told(surface, answered)[1].startswith(sentence)
    if surface == "openai":
        assert answered.body["error"]["param"] == sentence.partition(":")[0]


def test_bare_base64_is_told_what_it_lacks(caller):
    text = base64.b64encode(PNG + bytes(300)).decode()
    answered = ask(caller, "openai", GOOD["openai"] | {"input_reference": {"image_url": text}})
    assert answered.body["error"]["message"].startswith("input_reference.image_url: is base64 without its beginning")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"media": {"url": "http://127.0.0.1/x.mp4"}, "aspect_ratio": "1:1"}, "media.url: "),
        ({"media": {"url": "https://h/assets/generations/ID/t.mp4"}, "aspect_ratio": "1:1"}, "media.url: is queued"),
        ({"media": {}, "aspect_ratio": "1:1"}, "media.url: is required"),
        ({"media": {"url": PICTURE_URL}}, "aspect_ratio: is required"),
        ({"media": {"url": PICTURE_URL}, "aspect_ratio": "1:1", "x_end": 5}, "x_start: is needed with x_end"),
    ],
)
def test_a_refused_reframe_names_its_own_parts(caller, body, sentence):
    made = caller.submit().body["id"]
    body = json.loads(json.dumps(body).replace("ID", made))
    answered = bearer(caller, "POST", "/dream-machine/v1/generations/video/reframe", body)
    assert answered.body["detail"].startswith(sentence)


def test_a_refused_upscale_names_its_own_parts(caller):
    made = caller.submit({"prompt": "x", "url": PICTURE_URL, "resolution": "1080p"}).body["id"]
    path = f"/dream-machine/v1/generations/{made}/upscale"
    assert bearer(caller, "POST", path, {"resolution": "4k"}).body["detail"].startswith("id: is queued")
    caller.complete(made)
    assert bearer(caller, "POST", path, {"resolution": "720p"}).body["detail"].startswith("resolution: must be above")


@pytest.mark.parametrize("place", ["frame0", "frame1"])
def test_an_earlier_generation_that_is_not_there_is_named_by_its_place(caller, place):
    body = {"model": "ray-2", "prompt": "goes on", "keyframes": {place: {"type": "generation", "id": "none"}}}
    answered = ask(caller, "dream-machine", body)
    assert answered.body["detail"].startswith(f"keyframes.{place}.id: is not one of your generations")


@pytest.mark.parametrize("surface", SUBMITS)
def test_a_model_that_cannot_is_told_of_in_the_surfaces_words(start, surface):
    catalogue = models()
    both = read_catalogue().entries["wan21-flf2v-14b"]
    names = dict.fromkeys(catalogue.aliases, (both.name,))
    caller = start(catalogue=replace(catalogue, entries={both.name: both}, aliases=names)).caller()
    named, sentence = told(surface, ask(caller, surface, GOOD[surface]))
    expected = {"gateway": "end_url", "dream-machine": "keyframes.frame1", "openai": "model"}
    assert named == [expected[surface]]
    assert "goes from a first picture to a last one" in sentence
