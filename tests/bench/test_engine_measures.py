"""Measures of the engine bench, checked against synthetic motion."""

import cv2
import numpy as np
import pytest

from bench.engine_lines import bends
from bench.engine_mesh import mesh
from bench.engine_motion import Places, agrees, backward_steps, jerk, motion, tracks
from bench.engine_read import change, flow_size, psnr, region_ratio, seam

WIDTH, HEIGHT, FRAMES = 640, 360, 13


def texture(seed: int = 1) -> np.ndarray:
    rough = np.random.default_rng(seed).normal(0, 1, (HEIGHT, WIDTH)).astype(np.float32)
    soft = cv2.GaussianBlur(rough, (0, 0), 3) + 3 * cv2.GaussianBlur(rough, (0, 0), 12)
    return np.clip(126 + soft * 110 / np.abs(soft).max(), 16, 235).astype(np.uint8)


def columns() -> np.ndarray:
    """Light and dark bars with long straight edges."""
    x = np.arange(WIDTH)
    row = np.where(x % 80 < 40, 60, 190).astype(np.uint8)
    grain = np.random.default_rng(2).normal(0, 3, (HEIGHT, WIDTH))
    return np.clip(cv2.GaussianBlur(np.tile(row, (HEIGHT, 1)) + grain, (0, 0), 1.2), 0, 255).astype(np.uint8)


def clip(picture: np.ndarray, displaced) -> list[np.ndarray]:
    """Frames in which the content of (x, y) moves to `displaced(x, y, share)`, for small and smooth displacements."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    frames = []
    for share in np.linspace(0, 1, FRAMES):
        there_x, there_y = displaced(x, y, share)
        back_x, back_y = 2 * x - there_x, 2 * y - there_y
        frames.append(
            cv2.remap(
                picture,
                back_x.astype(np.float32),
                back_y.astype(np.float32),
                cv2.INTER_CUBIC,
                borderMode=cv2.BORDER_REFLECT,
            )
        )
    return frames


def turned(x, y, share, *, growth=0.0, turn=0.0):
    u, v = x - WIDTH / 2, y - HEIGHT / 2
    return x + share * (growth * u - turn * v), y + share * (growth * v + turn * u)


MOTIONS = {
    "push_in": lambda x, y, share: turned(x, y, share, growth=0.06),
    "pull_out": lambda x, y, share: turned(x, y, share, growth=-0.06),
    "pan_right": lambda x, y, share: (x - 20 * share, y),
    "pan_left": lambda x, y, share: (x + 20 * share, y),
    "tilt_up": lambda x, y, share: (x, y + 20 * share),
    "tilt_down": lambda x, y, share: (x, y - 20 * share),
    "roll_left": lambda x, y, share: turned(x, y, share, turn=0.06),
    "roll_right": lambda x, y, share: turned(x, y, share, turn=-0.06),
    "orbit_left": lambda x, y, share: (x + 16 * share * (y / HEIGHT - 0.5), y),
    "static": lambda x, y, share: (x, y),
}
OPPOSITE = {"push_in": "pull_out", "pan_right": "pan_left", "tilt_up": "tilt_down", "roll_left": "roll_right"}


@pytest.mark.parametrize("move", MOTIONS)
def test_a_known_motion_agrees_with_its_move(move):
    assert agrees(move, motion(clip(texture(), MOTIONS[move])))


@pytest.mark.parametrize("move", OPPOSITE)
def test_a_known_motion_does_not_agree_with_the_opposite_move(move):
    assert not agrees(OPPOSITE[move], motion(clip(texture(), MOTIONS[move])))


def test_an_orbit_is_told_by_what_is_near_wherever_that_is():
    """The upper part is near here, which the ruler has to be told."""

    def orbit_left(x, y, share):
        return x + 16 * share * (0.5 - y / HEIGHT), y

    planes = clip(texture(), orbit_left)
    assert agrees("orbit_right", motion(planes))
    assert agrees("orbit_left", motion(planes, Places((0.5, 0.2), (0.5, 0.8))))


def test_reach_is_the_way_in_frame_widths():
    assert motion(clip(texture(), MOTIONS["pan_right"])).reach == pytest.approx(20 / WIDTH, rel=0.03)


def test_an_even_glide_neither_shakes_nor_turns_back():
    paths = tracks(clip(texture(), MOTIONS["pan_right"]))
    assert jerk(paths) < 0.15
    assert backward_steps(paths) == 0


def test_steps_by_whole_pixels_shake():
    def stepped(x, y, share):
        return x - np.round(9 * share), y

    assert jerk(tracks(clip(texture(), stepped))) > 0.4


def test_straight_lines_that_glide_and_turn_stay_straight():
    for move in ("pan_right", "roll_left", "push_in"):
        assert np.percentile(bends(clip(columns(), MOTIONS[move])), 95) < 0.005


def test_a_bend_is_measured_as_long_as_it_is():
    """The arc's bend is 2 % of the frame's height. A segment shorter than the frame bends less, in proportion."""

    def bowed(x, y, share):
        return x + share * 0.02 * HEIGHT * np.sin(np.pi * y / HEIGHT), y

    assert 0.012 < np.median(bends(clip(columns(), bowed))) < 0.021


def test_a_mesh_sees_a_stretch_and_no_fold():
    def stretched(x, y, share):
        return x + share * 12 * np.tanh((x - WIDTH / 2) / 30), y

    found = mesh(clip(texture(), stretched))
    assert found.folds == 0
    assert 1.05 < found.stretch < 1.4


def test_a_loop_that_closes_has_a_small_seam_and_one_that_jumps_a_large_one():
    there = clip(texture(), MOTIONS["pan_right"])
    assert seam([*there, *reversed(there[1:-1])]) == pytest.approx(1.0, abs=0.2)
    assert seam(there) > 3


def test_what_stirs_in_a_region_is_found_there():
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    mask[HEIGHT // 2 :] = 1

    def lower_half(x, y, share):
        return x + 4 * share * np.clip((y - HEIGHT / 2) / 12, 0, 1), y

    planes = clip(texture(), lower_half)
    assert region_ratio(flow_size(planes, 4), mask, 0.05) > 10
    assert region_ratio(change(planes, 4), 1 - mask, 0.05) < 0.1


def test_psnr_of_a_known_error():
    plane = texture().astype(np.float64)
    assert psnr(plane, plane + 1) == pytest.approx(48.13, abs=0.01)
