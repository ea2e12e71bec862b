"""Resizing: resulting sizes, and the cost of a blur."""

import cv2
import numpy as np
import pytest

from stillmotion.domain.rendering import Picture
from stillmotion.vision.resize import as_array, blurred, blurred_at, even, fit_within, resized


def noise(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(4).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize(("length", "nearest"), [(4.9, 4), (5.1, 6), (0.4, 0), (-3.2, -4)])
def test_an_even_length_is_the_nearest(length, nearest):
    assert even(length) == nearest


def test_a_large_picture_is_reduced_to_its_longer_side_and_a_small_one_left_alone():
    assert fit_within(noise(640, 320), 160).shape == (80, 160, 3)
    small = noise(64, 32)
    assert fit_within(small, 160) is small


def test_an_image_reduced_by_half_is_the_mean_of_its_pixels():
    image = noise(64, 32)
    means = image.reshape(16, 2, 32, 2, 3).mean(axis=(1, 3))
    assert np.abs(resized(image, 32, 16) - means).max() <= 0.5


def test_an_image_may_be_enlarged():
    assert resized(noise(8, 4), 16, 8).shape == (8, 16, 3)


def test_a_wide_blur_on_a_reduced_copy_looks_like_the_blur_itself():
    image = cv2.GaussianBlur(noise(256, 128), (0, 0), 3)
    assert np.abs(blurred(image, 12.0).astype(int) - cv2.GaussianBlur(image, (0, 0), 12.0)).max() <= 4


def test_a_blur_keeps_the_size_of_its_image():
    assert blurred_at(noise(50, 30), (7, 5), 1.0).shape == (30, 50, 3)


def test_a_pictures_memory_is_viewed_and_not_copied():
    pixels = bytes(range(24))
    view = as_array(Picture(4, 2, pixels))
    assert view.shape == (2, 4, 3)
    assert bytes(view) == pixels
    assert not view.flags.owndata
