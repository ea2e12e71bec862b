"""The field `codec` on every surface that takes a picture and a prompt: how the video is compressed."""

import pytest

from stillmotion.domain.request import VideoCodec
from tests.http.surfaces.test_clear_meaning import bearer, stored
from tests.http.surfaces.test_own_words import GOOD, SUBMITS, ask, told

GENERATIONS = SUBMITS["dream-machine"]


@pytest.fixture(scope="module")
def plain(start):
    """A caller of a server that compresses as H.264 alone."""

    async def h264_alone(codec):
        return codec is VideoCodec.H264

    return start(can_encode=h264_alone).caller()


@pytest.mark.parametrize("surface", SUBMITS)
@pytest.mark.parametrize("codec", [*VideoCodec, None])
def test_a_codec_is_kept_and_none_is_left_to_the_server(caller, surface, codec):
    answered = ask(caller, surface, GOOD[surface] | {"codec": codec})
    assert stored(caller, answered).codec is codec


@pytest.mark.parametrize("surface", SUBMITS)
@pytest.mark.parametrize("codec", ["vp9", "AV1", "", 1, ["av1"]])
def test_another_codec_is_refused_with_those_there_are(caller, surface, codec):
    answered = ask(caller, surface, GOOD[surface] | {"codec": codec})
    assert answered.status == (422 if surface == "dream-machine" and not isinstance(codec, str) else 400)
    named, sentence = told(surface, answered)
    assert named == ["codec"]
    assert "must be one of h264, av1" in sentence


@pytest.mark.parametrize("surface", SUBMITS)
def test_a_server_that_cannot_compress_so_refuses_at_once_and_names_the_way_out(plain, surface):
    named, sentence = told(surface, ask(plain, surface, GOOD[surface] | {"codec": "av1"}))
    assert named == ["codec"]
    assert "cannot be av1 here: this server's PyAV has no encoder for it; ask for h264" in sentence
    for codec in ("h264", None):
        assert ask(plain, surface, GOOD[surface] | {"codec": codec}).status in (200, 201)


def test_the_dream_machine_repeats_a_codec_that_was_asked_for_and_no_other_answer_changes(caller):
    asked = bearer(caller, "POST", GENERATIONS, GOOD["dream-machine"] | {"codec": "av1"})
    assert asked.body["request"]["codec"] == "av1"
    assert bearer(caller, "GET", f"{GENERATIONS}/{asked.body['id']}").body["request"]["codec"] == "av1"
    assert "codec" not in bearer(caller, "POST", GENERATIONS, GOOD["dream-machine"]).body["request"]
    gateway = ask(caller, "gateway", GOOD["gateway"] | {"codec": "av1"})
    assert gateway.body.keys() == ask(caller, "gateway", GOOD["gateway"]).body.keys()
    assert "codec" not in gateway.body["request"]


def test_another_form_of_a_clip_has_the_clips_codec(caller):
    made = ask(caller, "gateway", GOOD["gateway"] | {"codec": "av1"}).body["id"]
    video = caller.complete(made).video
    larger = bearer(caller, "POST", f"{GENERATIONS}/{made}/upscale", {"resolution": "1080p"})
    assert stored(caller, larger).codec is VideoCodec.AV1
    reframe = {"media": {"url": f"http://h/assets/{video.key}"}, "aspect_ratio": "1:1"}
    tall = bearer(caller, "POST", f"{GENERATIONS}/video/reframe", reframe)
    assert stored(caller, tall).codec is VideoCodec.AV1
