"""Face detection: faces in a photograph, and none without any."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data

from stillmotion.media.input.pictures import decode
from stillmotion.vision.faces import Box, FaceFinder
from stillmotion.vision.resize import as_array

PHOTOS = Path(skimage.data.__file__).parent


def photo(name: str):
    return as_array(decode(PHOTOS / f"{name}.png"))


def test_a_face_is_found_where_it_is():
    (face,) = FaceFinder().find(photo("astronaut"))
    assert face.centre == pytest.approx((0.44, 0.22), abs=0.03)


def test_a_cup_of_coffee_has_no_face():
    assert FaceFinder().find(photo("coffee")) == ()


def test_boxes_overlap_by_the_part_that_they_share():
    left, right = Box(0.0, 0.0, 0.4, 0.5), Box(0.2, 0.0, 0.6, 0.5)
    assert left.overlap(right) == pytest.approx(1 / 3)
    assert left.overlap(Box(0.5, 0.0, 0.6, 0.5)) == 0.0


@pytest.mark.parametrize("turned", [False, True])
def test_a_small_face_at_the_side_of_a_long_picture_is_found(turned):
    """The whole picture shows it too small: a square or a tile has it."""
    rgb = photo("astronaut")
    long = np.pad(rgb, ((0, 800), (0, 0), (0, 0)) if turned else ((0, 0), (0, 800), (0, 0)), mode="reflect")
    found = FaceFinder().find(long)
    at = (0.44, 0.22 * 512 / 1312) if turned else (0.44 * 512 / 1312, 0.22)
    assert any(face.centre == pytest.approx(at, abs=0.03) for face in found)


def test_a_face_that_fills_the_picture_is_one_face():
    rgb = photo("astronaut")[40:200, 150:300]
    assert len(FaceFinder().find(rgb)) == 1


def test_a_grey_picture_has_its_face_too():
    grey = photo("astronaut").mean(axis=2).astype(np.uint8)
    assert len(FaceFinder().find(np.dstack([grey] * 3))) == 1


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 300, 3), (300, 2, 3), (17, 33, 3)])
def test_the_smallest_pictures_have_no_face(shape):
    assert FaceFinder().find(np.full(shape, 128, np.uint8)) == ()
