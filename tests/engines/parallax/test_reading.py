"""Reading of the words before a picture is seen: what the engine will do with them, and what it will not."""

import json
import subprocess
import sys

import pytest

from stillmotion.domain.request import GenerationRequest, Keyframe
from stillmotion.engines.parallax.language.reading import CARRIED_ON, CHOSEN, reading

PICTURE, EARLIER = Keyframe(url="https://a.example/1.png"), Keyframe(id="1")


def read(prompt, **parts):
    return reading(GenerationRequest(prompt, **{"frame0": PICTURE} | parts))


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ("push in, leaning girl", "push in · lean"),
        ("zoom in and pan left, then tilt up", "zoom in and pan left, then tilt up"),
        ("snow falls", f"{CHOSEN} · snow"),
        ("the camera moves", CHOSEN),
        ("a fast orbit right", "orbit right (fast)"),
        ("no camera movement, waves", "static · waves"),
        ("", CHOSEN),
    ],
)
def test_a_sentence_says_all_that_will_move(prompt, sentence):
    assert read(prompt).sentence == sentence


def test_unknown_and_impossible_words_are_named_and_dropped_moves_are_only_ignored():
    said = read("no camera movement, push in, the girl smiles brumbly")
    assert said.not_understood == ("smiles", "brumbly")
    assert {each.words for each in said.ignored} >= {"push in", "smiles", "brumbly"}


def test_a_loop_to_another_picture_is_none():
    assert read("push in", loop=True).sentence == "push in · loop"
    said = read("push in", loop=True, frame1=PICTURE)
    assert said.sentence == "push in"
    assert [each.words for each in said.ignored] == ["loop"]


def test_an_extension_without_words_goes_on_as_before():
    assert read("", frame0=EARLIER).sentence == CARRIED_ON


def test_concepts_count_as_words_do():
    assert read("", concepts=("dolly_zoom",)).moves == (("dolly_zoom",),)


def test_a_server_that_reads_words_loads_no_pictures_library():
    program = (
        "import json, sys; from stillmotion.composition.engines import read_words; "
        "from stillmotion.domain.request import GenerationRequest; "
        "read_words('parallax/1', GenerationRequest('push in')); "
        "print(json.dumps([each for each in ('cv2', 'av', 'onnxruntime', 'torch') if each in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
