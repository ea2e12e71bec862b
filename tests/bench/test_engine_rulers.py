"""Rulers of parallax, second views and leaning, on scenes whose geometry is known."""

import cv2
import numpy as np
import pytest

from bench.engine_lean import FaceBox, lean, wall_beside
from bench.engine_order import in_order, ramp
from bench.engine_parallax import parallax
from bench.engine_rivals import best_homography, marched, ray_march
from bench.engine_stereo import StereoView, filled, likeness, unconfirmed, unlanded

WIDTH, HEIGHT = 320, 240
STEP = 12
BOX = (slice(80, 170), slice(120, 210))
"""Rows and columns of the near square in the left picture."""


def texture(seed=1, width=WIDTH, height=HEIGHT):
    rough = np.random.default_rng(seed).normal(0, 1, (height, width)).astype(np.float32)
    soft = cv2.GaussianBlur(rough, (0, 0), 1.5) + 2 * cv2.GaussianBlur(rough, (0, 0), 6)
    return np.clip(126 + soft * 110 / np.abs(soft).max(), 16, 235).astype(np.uint8)


def bent(picture, matrix):
    """The picture with its content moved by a homography."""
    return cv2.warpPerspective(
        picture, np.float64(matrix), (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )


def shifted(picture, columns):
    return bent(picture, [[1, 0, columns], [0, 1, 0], [0, 0, 1]])


def with_square(back, front, slide=0):
    """A textured square over a background, moved to the left by some columns."""
    scene = back.copy()
    rows, columns = BOX
    scene[rows, columns.start - slide : columns.stop - slide] = front[BOX]
    return scene


def pair():
    """A square 12 pixels nearer than a wall, which moves by 4: everything of the view is known."""
    back, front = texture(1, WIDTH + 8), texture(2)
    left = with_square(back[:, :WIDTH], front)
    right = with_square(back[:, 4 : WIDTH + 4], front, STEP + 4)
    disparity = np.full((HEIGHT, WIDTH), 4, np.float32)
    disparity[BOX] = STEP + 4
    colours = [cv2.cvtColor(one, cv2.COLOR_GRAY2RGB) for one in (left, right)]
    return StereoView("square", *colours, disparity, disparity > 0, unlanded(disparity))


PLANES = {
    "zoom": [[1.12, 0, -19], [0, 1.12, -14], [0, 0, 1]],
    "pan": [[1, 0, 22], [0, 1, 5], [0, 0, 1]],
    "roll": [[0.995, -0.1, 14], [0.1, 0.995, -16], [0, 0, 1]],
    "slanted plane": [[1, 0.08, -8], [0, 1.02, 0], [0, 1.5e-4, 1]],
}


@pytest.mark.parametrize("motion", PLANES)
def test_what_a_homography_explains_is_no_parallax(motion):
    assert parallax(texture(), bent(texture(), PLANES[motion])) < 0.15


def test_parallax_is_the_way_of_near_against_far_whatever_the_camera_does_besides():
    back, front = texture(1), texture(2)
    first = with_square(back, front)
    last = with_square(back, front, STEP)
    assert parallax(first, last) == pytest.approx(100 * STEP / WIDTH, rel=0.05)
    assert parallax(first, bent(last, PLANES["zoom"])) == pytest.approx(100 * STEP / WIDTH, rel=0.2)


def test_a_wall_without_texture_adds_no_parallax():
    even = texture()
    even[:, : WIDTH // 2] = 120
    assert parallax(even, shifted(even, 9)) < 0.15
    assert parallax(np.full((HEIGHT, WIDTH), 90, np.uint8), np.full((HEIGHT, WIDTH), 90, np.uint8)) == 0


def test_the_uncovered_part_is_beside_the_near_square_and_as_wide_as_its_step():
    view = pair()
    rows, columns = np.nonzero(view.uncovered[:, : view.compared])
    assert (rows.min(), rows.max()) == (BOX[0].start, BOX[0].stop - 1)
    assert columns.min() == BOX[1].stop - STEP - 4
    assert columns.max() == BOX[1].stop - 4 - 1


def test_both_disparities_and_one_tell_of_the_same_uncovered_part():
    view = pair()
    right = np.full((HEIGHT, WIDTH), 4, np.float32)
    right[BOX[0], BOX[1].start - STEP - 4 : BOX[1].stop - STEP - 4] = STEP + 4
    seen = (slice(None), slice(0, view.compared))
    assert (unconfirmed(view.disparity, right)[seen] == view.uncovered[seen]).mean() > 0.999


def test_an_unknown_disparity_is_the_farther_of_its_neighbours():
    row = np.float32([[0, 0, 5, 0, 0, 9, 0]])
    assert filled(row).tolist() == [[5, 5, 5, 5, 5, 9, 9]]


def test_the_real_view_is_like_itself():
    view = pair()
    real = cv2.resize(view.right[..., 0].astype(np.float32), None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    assert likeness(view, real).decibels > 60
    assert likeness(view, real).similarity > 0.999


def test_a_ray_march_finds_the_near_square_and_smears_what_it_uncovers():
    view = pair()
    found = ray_march(view, view.disparity)
    assert found.decibels > 25
    assert found.uncovered < found.decibels - 10
    assert best_homography(view).decibels < found.decibels - 3


def test_a_ray_meets_the_nearest_surface_first():
    heights = np.zeros((1, 40), np.float32)
    heights[:, 20:30] = 8
    assert marched(heights)[0, 12:22].tolist() == [8] * 10
    assert marched(heights)[0, :10].tolist() == [0] * 10


def test_a_truth_is_in_order_with_itself_and_a_ramp_orders_a_floor():
    near = ramp((60, 80)) ** 2
    assert in_order(near, near) == 1
    assert in_order(-near, near) == 0
    assert in_order(ramp((30, 40)), near) > 0.98


FACE = FaceBox(130.0, 70.0, 190.0, 150.0)


PERSON = np.zeros((HEIGHT, WIDTH), bool)
PERSON[50:, 125:195] = True


def leaned(degrees, drag):
    """A person before a wall, who turns about a foot below the frame's middle; the wall goes along by a share."""
    wall, person = texture(3), texture(4)
    mask = PERSON.astype(np.float32)
    frames = []
    for share in np.linspace(0, 1, 13):
        turn = cv2.getRotationMatrix2D((160, 235), -degrees * share, 1)
        moved, matte = (cv2.warpAffine(one, turn, (WIDTH, HEIGHT)) for one in (person.astype(np.float32), mask))
        aside = drag * share * np.tan(np.radians(degrees)) * 125
        frames.append((shifted(wall, aside) * (1 - matte) + moved * matte).astype(np.uint8))
    return frames


@pytest.mark.parametrize("degrees", [4, 9])
def test_a_lean_before_a_still_wall_is_measured_as_it_is(degrees):
    found = lean(leaned(degrees, 0), FACE, PERSON)
    assert found.turn == pytest.approx(degrees, abs=0.4)
    assert found.head == pytest.approx(125 * np.radians(degrees), rel=0.1)
    assert found.dragged < 0.03


def test_a_wall_that_goes_along_is_seen():
    assert lean(leaned(6, 0.6), FACE, PERSON).dragged == pytest.approx(0.6, abs=0.08)


def test_the_wall_is_looked_for_beside_the_head_and_not_on_its_way():
    rows, columns = np.nonzero(wall_beside(FACE, PERSON, np.array([25.0, 2.0])))
    assert FACE.top - 0.35 * FACE.height < rows.min()
    assert rows.max() < FACE.bottom
    assert not ((columns > 120) & (columns < 195 + 25)).any()
    assert (columns < 120).any()
    assert (columns > 195 + 25).any()
