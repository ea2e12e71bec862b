"""Fields of LiteLLM, vLLM-Omni and SGLang on `/v1/videos`, beyond OpenAI's own."""

from dataclasses import replace

import pytest

from stillmotion.adapters.models.catalogue import read_catalogue
from stillmotion.domain.catalogue import Catalogue, Dialect, EngineKind, Server
from tests.http.conftest import PICTURE_URL
from tests.http.surfaces.test_clear_meaning import stored, video

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def form(caller, file=PNG, **texts):
    parts = {"prompt": "leaning girl"} | texts
    lines = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()
        for name, text in parts.items()
    ]
    if file is not None:
        head = b'--b\r\nContent-Disposition: form-data; name="input_reference"; filename="girl.png"\r\n\r\n'
        lines.append(head + file + b"\r\n")
    headers = {
        "Authorization": f"Bearer {caller.issued.primary}",
        "Content-Type": "multipart/form-data; boundary=b",
    }
    return caller.edge.ask("POST", "/v1/videos", b"".join(lines) + b"--b--\r\n", headers)


@pytest.fixture(scope="module")
def offering(start):
    """A server with a diffusion model, a forwarded model, and the embedded engine behind a third name."""
    entries = read_catalogue().entries
    wan, parallax = entries["wan22-ti2v-5b"], entries["parallax"]
    there = replace(wan, name="there", engine=EngineKind.FORWARD, server=Server(Dialect.OPENAI, "http://127.0.0.1:9"))
    plain = replace(there, name="plain", options={"plain": True})
    aliases = {
        "sora-2": ("parallax",),
        "wan": (wan.name,),
        "there": ("there",),
        "plain": ("plain",),
        "either": ("parallax", wan.name),
    }
    return start(catalogue=Catalogue({each.name: each for each in (wan, parallax, there, plain)}, aliases))


@pytest.mark.parametrize("send", [video, form])
def test_a_user_is_taken_and_shown_nowhere(caller, send):
    answered = send(caller, user="ada@example.com")
    assert answered.status == 200
    assert b"ada@" not in answered.content
    assert "ada@" not in repr(stored(caller, answered))


@pytest.mark.parametrize("send", [video, form])
def test_a_seed_is_kept(caller, send):
    assert stored(caller, send(caller, seed=42)).seed == 42


@pytest.mark.parametrize("send", [video, form])
def test_frames_are_counted_by_the_models_own_rate(caller, send):
    kept = stored(caller, send(caller, fps=24, num_frames=81, seconds="4"))
    assert (kept.seconds, kept.fps, kept.frame_count) == (81 / 24, None, None)
    answered = send(caller, num_frames=48)
    assert answered.body["seconds"] == "2"


def test_a_quota_is_charged_by_the_frames(edge):
    caller = edge.caller(video_seconds_per_month=5)
    assert video(caller, num_frames=288).status == 403
    assert video(caller, num_frames=48, seconds="12").status == 200


def test_a_product_includes_no_longer_clip_by_its_frames(edge):
    caller = edge.caller(max_seconds=4.0)
    assert video(caller, num_frames=120, seconds="4").status == 403
    assert video(caller, num_frames=96, seconds="12").status == 200


@pytest.mark.parametrize("send", [video, form])
@pytest.mark.parametrize(
    ("asked", "param", "sentence"),
    [
        ({"fps": 30}, "fps", "says how many frames a second has, and parallax makes 24"),
        ({"num_frames": 23}, "num_frames", "must be from 24 to 288: parallax makes 24 frames a second"),
        ({"num_frames": 289}, "num_frames", "must be from 24 to 288"),
        ({"num_frames": 10**18}, "num_frames", "must be from 24 to 288"),
        ({"num_frames": "many"}, "num_frames", "must be a whole number"),
        ({"fps": 23.976}, "fps", "must be a whole number"),
        ({"seed": -1}, "seed", "must be a whole number from 0"),
        ({"seed": 1.5}, "seed", "must be a whole number from 0"),
        (
            {"negative_prompt": "blur"},
            "negative_prompt",
            "says what a diffusion model should keep away from, and parallax has no use for it",
        ),
        ({"guidance_scale": 5}, "guidance_scale", "is not a field here; there are prompt, input_reference"),
    ],
)
def test_what_the_engine_has_no_meaning_for_is_refused_by_name(caller, send, asked, param, sentence):
    refused = send(caller, **asked)
    assert (refused.status, refused.body["error"]["param"]) == (400, param)
    assert refused.body["error"]["message"].startswith(f"{param}: {sentence}")


@pytest.mark.parametrize("model", ["wan", "there", "either"])
def test_words_to_keep_away_from_go_to_a_model_that_diffuses(offering, model):
    caller = offering.caller()
    answered = video(caller, model=model, negative_prompt="blur, text")
    assert stored(caller, answered).negative_prompt == "blur, text"
    assert answered.headers["x-stillmotion-engine"] != "parallax/1"
    assert stored(caller, video(caller, model=model, negative_prompt="")).negative_prompt == ""


def test_a_server_that_takes_openais_own_fields_alone_is_not_sent_others(offering):
    assert video(offering.caller(), model="plain", negative_prompt="blur").body["error"]["param"] == "negative_prompt"


def test_an_empty_text_of_a_form_is_a_field_left_out(caller):
    kept = stored(caller, form(caller, seed="", seconds="", model="", size="", user="", num_frames=""))
    assert (kept.seed, kept.seconds, kept.model) == (None, 4.0, "sora-2")
    assert form(caller, prompt="").body["error"]["param"] == "prompt"


def test_a_form_says_the_words_null_and_true_as_words(caller):
    assert stored(caller, form(caller, prompt="null")).prompt == "null"
    assert form(caller, model="null").body["error"]["param"] == "model"
    assert form(caller, file=None, input_reference="null").body["error"]["param"] == "input_reference"


def test_json_is_not_read_as_loosely_as_a_form(caller):
    assert video(caller, seed="42").body["error"]["param"] == "seed"
    assert stored(caller, video(caller, input_reference={"image_url": PICTURE_URL})).seed is None


def test_a_body_of_another_type_is_told_of_both_that_are_taken(caller):
    headers = {
        "Authorization": f"Bearer {caller.issued.primary}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    said = caller.edge.ask("POST", "/v1/videos", b"prompt=x", headers).body["error"]["message"]
    assert said == "body: must be sent with Content-Type: application/json or multipart/form-data"


def test_bytes_that_became_text_are_no_address_that_is_too_long(caller):
    """Node's FormData makes a string of a Buffer."""
    text = PNG.decode("utf-8", "replace") * 100
    said = form(caller, None, input_reference=text).body["error"]["message"]
    assert said.startswith("input_reference: is not a valid URL")
