"""Face detection: faces in a photograph, and none without any."""

from pathlib import Path

import cv2
import pytest
import skimage.data

from stillmotion.media.input.pictures import decode
from stillmotion.vision.faces import Box, FaceCascade, FaceFinder, equalised
from stillmotion.vision.resize import as_array

PHOTOS = Path(skimage.data.__file__).parent


def photo(name: str):
    return as_array(decode(PHOTOS / f"{name}.png"))


def test_a_face_is_found_where_it_is():
    (face,) = FaceFinder().find(photo("astronaut"))
    assert face.centre == pytest.approx((0.44, 0.22), abs=0.03)


def test_a_cup_of_coffee_has_no_face():
    assert FaceFinder().find(photo("coffee")) == ()


def test_one_cascade_sees_the_same_face():
    grey = equalised(cv2.cvtColor(photo("astronaut"), cv2.COLOR_RGB2GRAY))
    (face,) = FaceFinder().find(photo("astronaut"))
    assert any(face.overlap(other) > 0.6 for other in FaceCascade("alt2", 5, 0.08).find(grey))


def test_boxes_overlap_by_the_part_that_they_share():
    left, right = Box(0.0, 0.0, 0.4, 0.5), Box(0.2, 0.0, 0.6, 0.5)
    assert left.overlap(right) == pytest.approx(1 / 3)
    assert left.overlap(Box(0.5, 0.0, 0.6, 0.5)) == 0.0
