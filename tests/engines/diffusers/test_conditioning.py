"""Conditioning of a model: its keyframes, its words, and the frames that are kept. No torch is needed."""

from dataclasses import replace

import pytest

from stillmotion.adapters.models.catalogue import read_catalogue
from stillmotion.domain.camera_concepts import CONCEPTS
from stillmotion.domain.rendering import Picture, RenderJob
from stillmotion.domain.request import FrameSize
from stillmotion.engines.diffusers.conditioning import CLOSER, conditioning_of
from stillmotion.engines.diffusers.prompts import PLAIN, WAN, with_camera

CATALOGUE = read_catalogue().entries
SIZE = FrameSize(64, 32)


def picture(shade: int) -> Picture:
    return Picture(64, 32, bytes(shade if place % 3 else place // 3 % 64 for place in range(64 * 32 * 3)))


def job(**parts) -> RenderJob:
    return RenderJob(
        **{"prompt": "a boat", "frame0": picture(10), "frame1": None, "size": SIZE, "seconds": 5.0} | parts
    )


def shot(name, **parts):
    return conditioning_of(job(**parts), CATALOGUE[name])


def held_to(made):
    return [(anchor.index, len(anchor.pictures)) for anchor in made.anchors]


def test_a_first_picture_is_where_the_clip_starts():
    made = shot("wan22-i2v-a14b")
    assert (held_to(made), made.frame_count, len(made.kept)) == ([(0, 1)], 81, 81)
    assert made.at(0).tobytes() == picture(10).pixels
    assert made.at(-1) is None


def test_a_last_picture_is_where_it_ends():
    made = shot("wan22-i2v-a14b", frame1=picture(90))
    assert held_to(made) == [(0, 1), (80, 1)]
    assert made.at(-1).tobytes() == picture(90).pixels


def test_words_alone_hold_it_to_nothing():
    assert held_to(shot("wan22-ti2v-5b", frame0=None)) == []


def test_a_loop_ends_where_it_began_and_shows_that_once():
    made = shot("wan22-i2v-a14b", loop=True)
    assert held_to(made) == [(0, 1), (80, 1)]
    assert made.at(-1).tobytes() == made.at(0).tobytes()
    assert list(made.kept)[-1] == 79


def test_a_clip_that_carries_another_on_does_not_show_its_last_frame_again():
    made = shot("wan22-ti2v-5b", extends=True)
    assert (made.kept.start, len(made.kept)) == (1, 120)


def test_a_model_that_carries_motion_on_is_given_it_and_loses_no_length():
    made = shot("ltx-video-2b", extends=True, before=tuple(picture(each) for each in range(8)))
    assert held_to(made) == [(0, 9)]
    assert made.anchors[0].pictures[-1].tobytes() == picture(10).pixels
    assert made.frame_count == 137
    assert len(made.kept) == 128


@pytest.mark.parametrize("concept", ["zoom_in", "push_in", "pan_left", "pan_right", "tilt_up", "tilt_down"])
def test_a_zoom_or_a_pan_ends_with_a_part_of_the_picture_where_a_model_can_be_held_to_it(concept):
    made = shot("wan22-i2v-a14b", concepts=(concept,))
    assert held_to(made) == [(0, 1), (80, 1)]
    assert made.notes == (f"{concept}: ends with that part of the picture",)


def test_a_zoom_ends_with_the_middle_of_the_picture():
    wide = Picture(64, 32, bytes(value for _ in range(32) for column in range(64) for value in (4 * column,) * 3))
    made = conditioning_of(job(frame0=wide, concepts=("zoom_in",)), CATALOGUE["wan22-i2v-a14b"])
    left = made.at(-1).getpixel((0, 16))[0] / 4
    assert left == pytest.approx(32 - 32 * CLOSER, abs=1)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("wan22-ti2v-5b", {"concepts": ("zoom_in",)}),
        ("wan22-i2v-a14b", {"concepts": ("orbit_left",)}),
        ("wan22-i2v-a14b", {"concepts": ("zoom_in", "pan_left")}),
        ("wan22-i2v-a14b", {"concepts": ("zoom_in",), "extends": True}),
    ],
)
def test_no_end_is_made_up_where_it_would_force_nothing(name, parts):
    assert [index for index, _ in held_to(shot(name, **parts))] == [0]


def test_an_end_that_was_given_goes_before_one_that_is_cut():
    made = shot("wan22-i2v-a14b", concepts=("zoom_in",), frame1=picture(90))
    assert made.at(-1).tobytes() == picture(90).pixels


def test_an_operator_may_leave_the_camera_to_the_words():
    entry = replace(CATALOGUE["wan22-i2v-a14b"], options={"force_camera": False})
    assert [each.index for each in conditioning_of(job(concepts=("zoom_in",)), entry).anchors] == [0]


def test_concepts_are_said_in_the_family_s_own_words():
    assert with_camera("a boat", ("pan_left",), WAN) == "a boat. Camera pans left."
    assert with_camera("A boat!", ("pan_left", "low_angle")) == "A boat! The camera pans to the left. Low angle shot."
    assert with_camera("", ("static",)) == "The camera stays still."
    assert with_camera(" a boat ", ()) == "a boat"


def test_every_concept_has_words():
    assert PLAIN.keys() == CONCEPTS
    assert WAN.keys() <= PLAIN.keys()


def test_a_model_that_takes_no_words_is_given_none():
    assert shot("svd-xt", concepts=("pan_left",)).prompt == ""


def test_what_a_request_keeps_away_from_goes_before_what_its_model_does():
    assert "negative_prompt" not in shot("wan22-ti2v-5b").options
    assert shot("wan22-ti2v-5b", negative_prompt="blur").options["negative_prompt"] == "blur"
