"""The scenes that the depth network is trained on."""

import numpy as np
import pytest

from tools.depth.scenes import SECOND, SHAPES, sample
from tools.depth.textures import bank
from tools.depth.things import Shop

SEED = 4


@pytest.fixture(scope="module")
def textures():
    return bank(SEED)


def drawn(textures, index: int, shape: str = "wide"):
    draw = np.random.default_rng([SEED, index])
    return sample(Shop(textures, draw), draw, shape)


def test_a_seed_draws_the_same_scene_again(textures):
    one, other = drawn(textures, 1), drawn(textures, 1)
    assert one.rgb.tobytes() == other.rgb.tobytes()
    assert one.disparity.tobytes() == other.disparity.tobytes()
    assert one.rgb.tobytes() != drawn(textures, 2).rgb.tobytes()


@pytest.mark.parametrize("shape", SHAPES)
def test_a_scene_has_a_picture_and_a_depth_at_half_its_size(textures, shape):
    one = drawn(textures, 2, shape)
    width, height = SHAPES[shape]
    assert one.rgb.shape == (height, width, 3)
    assert one.disparity.shape == (height // 2, width // 2)
    assert np.isfinite(one.disparity).all()
    assert one.disparity.min() >= 0


@pytest.mark.parametrize("family", SECOND, ids=lambda family: family.__name__)
def test_every_kind_of_scene_can_be_drawn(textures, family):
    draw = np.random.default_rng(SEED)
    stage = family(Shop(textures, draw), draw, (96, 64)).stage
    assert np.isfinite(stage.colour).all()
    assert (stage.distance > 0).all()
    assert stage.colour.std() > 0
