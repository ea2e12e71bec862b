"""Plans: their promises, over every entry of the catalogue and any request."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillmotion.adapters.models.catalogue import read_catalogue
from stillmotion.domain.catalogue import Ability, Catalogue, FrameRule, SizeRule
from stillmotion.domain.errors import InvalidRequest
from stillmotion.domain.planning import first_able, plan, successor
from stillmotion.domain.request import (
    MAX_SECONDS,
    AspectRatio,
    FrameSize,
    GenerationRequest,
    Keyframe,
    Resolution,
    frame_size,
)
from tests.builders import a_generation

CATALOGUE = read_catalogue()
PICTURE, CLIP = Keyframe(url="https://example.com/a.png"), Keyframe(id="0199")

entries = st.sampled_from(list(CATALOGUE.entries.values()))
keyframes = st.sampled_from([None, PICTURE, CLIP])
requests = st.builds(
    GenerationRequest,
    prompt=st.just("a walk"),
    frame0=keyframes,
    frame1=keyframes,
    aspect_ratio=st.sampled_from([None, *AspectRatio]),
    resolution=st.sampled_from(list(Resolution)),
    seconds=st.floats(1, 10),
    loop=st.booleans(),
    concepts=st.sampled_from([(), ("orbit_left",)]),
)
pictures = st.builds(FrameSize, st.integers(1, 5000), st.integers(1, 5000))


def entry(name, **changed):
    return replace(CATALOGUE.entries[name], **changed)


def request(**parts):
    return GenerationRequest(**{"prompt": "a walk", "frame0": PICTURE, "aspect_ratio": AspectRatio.WIDE} | parts)


def refusals(name, **parts):
    return [(each.field, each.message) for each in plan(entry(name), request(**parts)).refused]


@given(entries, requests, pictures)
def test_what_is_planned_is_legal(model, asked, picture):
    made = plan(model, asked, picture)
    sizes, frames = model.sizes, model.frames
    if sizes.listed:
        assert (made.size.width, made.size.height) in sizes.listed
    else:
        assert made.size.width % sizes.step == 0 == made.size.height % sizes.step
        assert sizes.least <= made.size.width * made.size.height <= sizes.most
    if frames.listed:
        assert made.frame_count in frames.listed
    else:
        assert frames.least <= made.frame_count <= frames.most
        assert (made.frame_count - frames.offset) % frames.step == 0


@given(entries, st.floats(1, 10))
def test_no_legal_length_is_nearer_than_the_planned_one(model, seconds):
    rule = model.frames
    legal = rule.listed or range(rule.offset + rule.step, rule.most + 1, rule.step)
    wanted = seconds * model.fps
    nearest = min(abs(each - wanted) for each in legal if rule.listed or each >= rule.least)
    assert abs(rule.nearest(wanted) - wanted) == pytest.approx(nearest)


@given(entries, pictures)
def test_a_legal_size_is_planned_as_it_is(model, picture):
    legal = model.sizes.nearest(frame_size(Resolution.P720, None, picture))
    assert model.sizes.nearest(legal) == legal


@given(st.sampled_from(list(AspectRatio)), st.sampled_from([2, 8, 16, 32]))
def test_the_shape_is_kept_within_a_step(ratio, step):
    rule = SizeRule(step=step, least=65536, most=921600)
    made = rule.nearest(FrameSize(round(1000 * ratio.ratio), 1000))
    tolerance = step / min(made.width, made.height)
    assert abs(math.log(made.width / made.height / ratio.ratio)) <= 2 * tolerance


@given(entries, requests)
def test_a_plan_either_refuses_with_sentences_or_says_what_is_emulated(model, asked):
    made = plan(model, asked)
    for problem in made.refused:
        assert problem.field
        assert model.name in problem.message
    if made.refused:
        assert (made.emulated, made.adjusted) == ((), ())
        return
    if asked.loop:
        assert Ability.LOOP in model.abilities or any(each.startswith("loop:") for each in made.emulated)
    if asked.extends:
        assert Ability.EXTEND in model.abilities or any(each.startswith("extend:") for each in made.emulated)
    if asked.frame1 is not None:
        assert {Ability.LAST, Ability.ANY} & model.abilities
    if asked.frame0 is None and asked.frame1 is None:
        assert Ability.TEXT in model.abilities


@given(entries, requests)
def test_a_plan_is_a_function_of_its_arguments(model, asked):
    assert plan(model, asked) == plan(model, asked)


def test_the_embedded_engine_makes_what_is_asked():
    made = plan(entry("parallax"), request(loop=True, concepts=("orbit_left",)))
    assert (made.size, made.frame_count, made.emulated, made.adjusted) == (FrameSize(1280, 720), 120, (), ())


def test_the_embedded_engine_makes_the_longest_clip_that_can_be_asked_for():
    made = plan(entry("parallax"), request(seconds=MAX_SECONDS))
    assert (made.seconds, made.adjusted) == (MAX_SECONDS, ())


def test_a_model_that_needs_both_pictures_says_which_is_missing():
    assert refusals("wan21-flf2v-14b") == [
        ("frame1", "is needed: wan21-flf2v-14b goes from a first picture to a last one")
    ]
    assert refusals("wan21-flf2v-14b", frame0=None, frame1=PICTURE)[0][0] == "frame0"
    assert refusals("wan21-flf2v-14b", frame1=PICTURE) == []


def test_a_loop_is_the_first_picture_again_where_a_model_can_end_with_one():
    made = plan(entry("wan21-flf2v-14b"), request(loop=True))
    assert made.emulated == ("loop: ends with the picture it starts from, which is dropped",)
    assert refusals("wan22-ti2v-5b", loop=True) == [
        ("loop", "cannot be had: wan22-ti2v-5b does not end where it began; leave it out")
    ]
    assert refusals("wan22-i2v-a14b", loop=True, frame1=PICTURE)[0][0] == "loop"


def test_a_model_of_words_alone_refuses_pictures_and_others_need_one():
    assert refusals("wan21-t2v-1b3")[0][1] == "cannot be used: wan21-t2v-1b3 makes videos of words alone"
    assert refusals("wan21-t2v-1b3", frame0=None) == []
    assert refusals("svd-xt", frame0=None)[0][0] == "frame0"


def test_the_first_that_can_is_taken_and_the_next_is_its_successor():
    route = [entry("wan22-ti2v-5b"), entry("wan22-i2v-a14b"), entry("cogvideox-5b-i2v"), entry("parallax")]
    assert first_able(route, request()).name == "wan22-ti2v-5b"
    looping = request(loop=True)
    assert first_able(route, looping).name == "wan22-i2v-a14b"
    catalogue = Catalogue({each.name: each for each in route}, {"ray-1-6": tuple(each.name for each in route)})
    generation = a_generation(request=looping, engine="diffusers/wan22-i2v-a14b")
    assert successor(catalogue, generation) == "parallax/1"
    assert successor(catalogue, replace(generation, engine="parallax/1")) is None
    assert successor(catalogue, replace(generation, engine="forward/gone")) == "diffusers/wan22-i2v-a14b"


def test_what_nobody_can_make_is_refused_in_the_first_ones_words():
    with pytest.raises(InvalidRequest, match="wan22-ti2v-5b does not end where it began"):
        first_able([entry("wan22-ti2v-5b"), entry("svd-xt")], request(loop=True))


@given(entries, st.floats(allow_nan=False))
def test_any_length_has_a_legal_one(model, seconds):
    rule = model.frames
    legal = rule.listed or range(rule.offset, rule.most + 1, rule.step)
    assert rule.nearest(seconds * model.fps) in legal


def test_of_two_lengths_that_are_equally_near_the_longer_is_made():
    assert FrameRule(step=8, offset=1, least=9, most=257).nearest(125) == 129
