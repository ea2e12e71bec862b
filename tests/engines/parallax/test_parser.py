"""Prompts as people type them, and the plan for each."""

import json

import pytest

from stillmotion.engines.parallax.language.beyond import (
    CANNOT_REASON,
    DANCE_REASON,
    ELSEWHERE,
    TURNED_REASON,
    WALK_REASON,
)
from stillmotion.engines.parallax.language.moves import MOVES
from stillmotion.engines.parallax.language.parser import read
from stillmotion.engines.parallax.language.vocabulary import ENGLISH, UNDIRECTED, TermKind

CAMERA = {
    "push in": ["push_in"],
    "The camera slowly pushes in on her face.": ["push_in"],
    "dolly in": ["push_in"],
    "dollying forward": ["push_in"],
    "move the camera closer to the cat": ["push_in"],
    "pull out": ["pull_out"],
    "the camera pulls slowly back": ["pull_out"],
    "dolly out": ["pull_out"],
    "zoom in": ["zoom_in"],
    "zooming out": ["zoom_out"],
    "crash zoom": ["zoom_in"],
    "pan left": ["pan_left"],
    "pan slowly to the right": ["pan_right"],
    "pan from left to right": ["pan_right"],
    "panning from right to left": ["pan_left"],
    "whip pan left": ["pan_left"],
    "pan": ["pan"],
    "pan up": ["tilt_up"],
    "tilt down": ["tilt_down"],
    "truck left": ["truck_left"],
    "track right": ["truck_right"],
    "camera slides to the left": ["truck_left"],
    "tracking shot": ["truck"],
    "pedestal up": ["pedestal_up"],
    "the camera rises": ["pedestal_up"],
    "boom down": ["crane_down"],
    "jib up": ["crane_up"],
    "crane shot": ["crane"],
    "the camera tilts up": ["tilt_up"],
    "camera pans left": ["pan_left"],
    "the camera rolls to the right": ["roll_right"],
    "camera zooms slowly out": ["zoom_out"],
    "the camera orbits left around the cup": ["orbit_left"],
    "camera pushes in": ["push_in"],
    "camera moves up": ["pedestal_up"],
    "camera cranes down": ["crane_down"],
    "camera tracks left": ["truck_left"],
    "camera goes forward": ["push_in"],
    "orbit left": ["orbit_left"],
    "camera orbit right": ["orbit_right"],
    "arc right": ["orbit_right"],
    "orbit around the statue": ["orbit"],
    "orbits clockwise": ["orbit_left"],
    "circling around him": ["orbit"],
    "roll left": ["roll_left"],
    "rotate clockwise": ["roll_right"],
    "dolly zoom": ["dolly_zoom"],
    "vertigo effect": ["dolly_zoom"],
    "handheld": ["handheld"],
    "hand-held footage": ["handheld"],
    "drone shot of a valley": ["aerial_drone"],
    "static": ["static"],
    "a static shot": ["static"],
    "locked-off camera": ["static"],
    "the camera stays still": ["static"],
    "over the shoulder": ["over_the_shoulder"],
    "push_in": ["push_in"],
    "push in and pan left": ["push_in", "pan_left"],
}


@pytest.mark.parametrize(("prompt", "moves"), CAMERA.items())
def test_camera_words_become_moves(prompt, moves):
    assert list(read(prompt).camera_moves()) == moves


@pytest.mark.parametrize("key", sorted(MOVES))
def test_a_concept_and_its_words_come_to_the_same_moves(key):
    by_field = read("a quiet street", (key,))
    by_words = read(f"a quiet street, {key.replace('_', ' ')}")
    assert by_field.segments == by_words.segments
    assert list(by_field.camera_moves()) == [key]


@pytest.mark.parametrize(
    ("prompt", "subject", "ambient"),
    [
        ("leaning girl", ("lean",), ()),
        ("the woman leans to the left", ("lean_left",), ()),
        ("she nods and breathes", ("nod", "breathe"), ()),
        ("a man swaying in the rain", ("sway",), ("rain",)),
        ("the lake ripples as clouds drift by", (), ("ripple", "clouds")),
        ("it is snowing softly", (), ("snow",)),
        ("candle light flickers", (), ("candle",)),
        ("her hair moves in the wind", ("hair",), ("wind",)),
    ],
)
def test_subject_and_surroundings_are_read(prompt, subject, ambient):
    plan = read(prompt)
    assert (plan.subject, plan.ambient) == (subject, ambient)


@pytest.mark.parametrize(
    "prompt",
    [
        "no camera movement",
        "leaning girl, no camera motion",
        "without any camera movement",
        "don't move the camera",
        "do not move the camera",
        "static, zoom in",
        "zoom in but keep the camera still",
    ],
)
def test_standing_still_wins(prompt):
    assert list(read(prompt).camera_moves()) == ["static"]


def test_what_is_refused_is_left_out():
    assert list(read("no zoom, pan left").camera_moves()) == ["pan_left"]
    assert list(read("no zoom or pan, orbit right").camera_moves()) == ["orbit_right"]
    assert read("no rain, only snow").ambient == ("snow",)


def test_then_makes_a_sequence():
    plan = read("zoom in, then pan right and finally pull out")
    assert [segment.moves for segment in plan.segments] == [("zoom_in",), ("pan_right",), ("pull_out",)]


def test_two_moves_at_once_are_the_most_and_the_third_is_named():
    plan = read("orbit left, push in, tilt up")
    assert list(plan.camera_moves()) == ["orbit_left", "push_in"]
    assert "tilt up" in {item.words for item in plan.ignored}


def test_modifiers_change_how_far_and_how_fast():
    plain, slow, fast, strong = (read(f"{word} zoom in".strip()) for word in ("", "slow", "quick", "dramatic"))
    assert slow.strength < plain.strength < strong.strength
    assert fast.speed > plain.speed
    assert slow.modifiers == ("slow",)


def test_a_loop_is_asked_by_word_or_by_field():
    assert read("looping waves").loop
    assert read("waves", loop=True).loop
    assert not read("waves").loop


def test_unknown_words_and_concepts_are_named():
    plan = read("a xylophone in Ulm", ("warp_nine",))
    assert {item.words for item in plan.ignored} == {"xylophone", "ulm", "warp_nine"} or {
        item.words for item in plan.ignored
    } == {"xylophone ulm", "warp_nine"}
    assert plan.segments == ()


@pytest.mark.parametrize(
    "prompt", ["", "   ", "🎬🎥", "零一二", "then then then", "no no no", "a" * 5000, "zoom " * 900]
)
def test_any_text_gives_a_plan(prompt):
    json.loads(read(prompt).as_json())


def test_every_camera_entry_is_a_move_or_waits_for_a_direction():
    keys = {entry.key for entry in ENGLISH.entries if entry.kind is TermKind.CAMERA}
    assert keys <= MOVES.keys() | UNDIRECTED
    assert MOVES.keys() <= keys


@pytest.mark.parametrize(
    ("prompt", "undone"),
    [
        ("she smiles and waves", ["smiles", "waves"]),
        ("the man speaks, then blinks", ["speaks", "blinks"]),
        ("he turns round", ["turns round"]),
        ("the cat leaves", ["leaves"]),
        ("a woman waves her hand", ["waves hand"]),
        ("she does not smile", []),
        ("waves crash on the shore", []),
        ("he smiles at the camera", ["smiles at camera"]),
        ("the woman in the middle waves", ["waves"]),
        ("a girl jumps for joy", ["jumps"]),
        ("children dancing", ["dancing"]),
        ("he walks away", ["walks away"]),
        ("the man walks towards the camera", ["walks towards camera"]),
        ("a bird flies across the sky", ["bird flies across"]),
        ("the car drives away", ["car drives away"]),
        ("the door opens", ["door opens"]),
        ("the sun sets", ["sun sets"]),
        ("she brushes her hair", ["brushes hair"]),
        ("he looks up", ["looks up"]),
        ("the camera looks up", []),
        ("the camera flies away", []),
        ("zoom in on the man", []),
        ("the river flows", []),
    ],
)
def test_what_people_do_and_the_engine_cannot_is_said(prompt, undone):
    plan = read(prompt)
    reasons = {CANNOT_REASON, TURNED_REASON, DANCE_REASON, WALK_REASON}
    assert [each.words for each in plan.ignored if each.reason in reasons] == undone
    assert json.loads(plan.as_json()).get("elsewhere") == (ELSEWHERE if undone else None)
    assert not any("camera" in segment.moves for segment in plan.segments if undone)
