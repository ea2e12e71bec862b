"""Masks of people: where the person is, and no certainty where there is none."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data

from stillmotion.media.input.pictures import decode
from stillmotion.vision.faces import Box, FaceFinder
from stillmotion.vision.persons import MASK_SIDE, PersonFinder, certainty, is_person
from stillmotion.vision.resize import as_array

PHOTOS = Path(skimage.data.__file__).parent


def photo(name: str):
    return as_array(decode(PHOTOS / f"{name}.png"))


def test_a_person_is_cut_out_from_the_wall():
    rgb = photo("astronaut")
    (face,) = FaceFinder().find(rgb)
    mask = PersonFinder().mask(rgb)
    assert mask.shape == (512, 512)
    assert is_person(mask, face)
    assert mask[300:400, 150:250].min() > 0.9  # the suit
    assert mask[:100, :100].max() < 0.1  # the flag


def test_a_person_stays_the_same_in_a_wider_picture():
    rgb = photo("astronaut")
    wide = np.pad(rgb, ((0, 0), (500, 0), (0, 0)), mode="edge")
    (face,) = FaceFinder().find(wide)
    mask = PersonFinder().mask(wide)
    assert mask.shape == (round(512 * 512 / 1012), MASK_SIDE)
    assert is_person(mask, face)
    assert float(mask[:, :128].mean()) < 0.05


def test_a_mask_that_misses_the_face_or_is_unsure_near_it_shows_no_person():
    face = Box(0.4, 0.2, 0.6, 0.4)
    assert certainty(np.zeros((64, 64), np.float32), face) == 0.0
    assert certainty(np.full((64, 64), 0.5, np.float32), face) == 0.0
    assert certainty(np.ones((64, 64), np.float32), face) == pytest.approx(1.0)
    half = np.ones((64, 64), np.float32)
    half[:, 40:] = 0.5
    assert not is_person(half, face)
    assert certainty(half, Box(1.4, 0.2, 1.6, 0.4)) == 0.0


def test_a_mask_is_the_same_again():
    rgb = photo("astronaut")
    masks = [PersonFinder().mask(rgb) for _ in range(2)]
    assert np.array_equal(*masks)
