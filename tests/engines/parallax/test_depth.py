"""Sources of depth, estimated or given: their record in the plan, and the limits of a warp."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from bench.engine_depth import motorcycle_depth, pairs_in_order, true_disparity
from bench.engine_maps import map_faults
from bench.engine_photos import photo
from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.rendering import DepthMap, Picture, RenderJob
from stillmotion.domain.request import FrameSize
from stillmotion.engines.parallax.analysis.scene import GATE, Depth, Scene, analyse
from stillmotion.engines.parallax.camera.staging import Stage
from stillmotion.engines.parallax.depth.estimate import FLAT_NEARNESS
from stillmotion.engines.parallax.depth.source import DepthImage, Estimate
from stillmotion.engines.parallax.engine import Parallax
from stillmotion.engines.parallax.language.moves import MOVES
from stillmotion.vision.faces import FaceFinder
from stillmotion.vision.resize import as_array

SIZE = FrameSize(320, 216)


@pytest.fixture(scope="module")
def motorcycle() -> Picture:
    return photo("motorcycle_left")


@pytest.fixture(scope="module")
def scene(motorcycle) -> Scene:
    return analyse(as_array(motorcycle), FaceFinder())


def ramp(width: int, height: int) -> DepthMap:
    """A depth map that is nearest at the bottom."""
    rows = np.repeat(np.linspace(0, 1, height, dtype=np.float32)[:, np.newaxis], width, axis=1)
    return DepthMap(width, height, np.ascontiguousarray(rows).data)


def plan_of(picture: Picture, prompt: str = "push in", **more) -> dict:
    options = {"frame1": None, "size": SIZE, "seconds": 1.0} | more
    rendering = Parallax().render(RenderJob(prompt, picture, **options), lambda _: None)
    assert sum(1 for _ in rendering.frames) == 24
    return json.loads(rendering.plan)


def test_a_depth_image_orders_a_real_scene_better_than_the_estimate(motorcycle, scene):
    truth = true_disparity()
    given = DepthImage(motorcycle_depth()).depth(as_array(motorcycle), scene).near
    assert pairs_in_order(Estimate().depth(as_array(motorcycle), scene).near, truth) > 0.75
    assert pairs_in_order(given, truth) > 0.93


def test_a_house_before_the_sky_stands_upright():
    """Its top must not get the distance of the sky above it, or it would lean in an orbit."""
    rgb = as_array(photo("lake"))
    near = Estimate().depth(rgb, analyse(rgb, FaceFinder())).near
    height, width = near.shape
    house = near[round(0.43 * height) : round(0.55 * height), round(0.1 * width) : round(0.24 * width)]
    assert np.ptp(house.mean(axis=1)) < 0.1
    assert near[: round(0.2 * height), : round(0.5 * width)].mean() < house.mean() / 4


def test_true_depth_with_all_its_edges_folds_nothing(motorcycle, scene):
    given = DepthImage(motorcycle_depth()).depth(as_array(motorcycle), scene).near
    shot = Stage.over(motorcycle, SIZE, replace(scene, lines=scene.lines[:0], depth=Depth(given, "image")))
    for move in MOVES:
        faults = map_faults(shot, move)
        assert faults.folds == 0, move
        assert faults.stretch <= 1.6, move
        assert faults.outside <= 0.01, move


def test_the_plan_says_where_the_depth_came_from(motorcycle):
    assert plan_of(motorcycle)["depth"] == "estimated"
    assert plan_of(motorcycle, depth=motorcycle_depth())["depth"] == "image"
    assert plan_of(photo("logo"))["depth"] == "none"


def test_of_two_keyframes_the_image_is_the_firsts(motorcycle):
    plan = plan_of(motorcycle, frame1=photo("page"), depth=motorcycle_depth())
    assert (plan["depth"], plan["depth_at_end"]) == ("image", "none")


def test_a_drawing_is_moved_by_the_depth_that_is_given_with_it():
    drawing = photo("logo")
    flat = plan_of(drawing, "crane up")
    deep = plan_of(drawing, "crane up", depth=ramp(drawing.width, drawing.height))
    assert flat["moves"] == [["pedestal_up"]]
    # A ramp has no outlines, so the camera goes no farther round things; but it is depth, not a plane.
    assert deep["ignored"][0]["reason"] != flat["ignored"][0]["reason"]
    assert deep["depth"] == "image"


def test_a_depth_image_changes_how_the_picture_moves(motorcycle):
    upside_down = ramp(74, 50)
    turned = replace(upside_down, nearness=np.frombuffer(upside_down.nearness, np.float32)[::-1].copy().data)
    ends = []
    for depth in (upside_down, turned):
        job = RenderJob("pedestal up", motorcycle, None, SIZE, 1.0, depth=depth)
        ends.append(np.asarray(list(Parallax().render(job, lambda _: None).frames)[-1].planes, np.int16))
    assert np.abs(ends[0] - ends[1]).mean() > 2


def test_a_depth_image_of_another_shape_is_refused_in_words(motorcycle):
    with pytest.raises(GenerationFailed, match="it is 100×100 and the picture 741×500") as refused:
        plan_of(motorcycle, depth=ramp(100, 100))
    assert refused.value.code == "depth_image_unusable"


def test_a_depth_image_without_relief_is_one_plane(motorcycle, scene):
    level = DepthMap(74, 50, np.full((50, 74), 3.0, np.float32).data)
    assert np.all(DepthImage(level).depth(as_array(motorcycle), scene).near == np.float32(FLAT_NEARNESS))


def test_known_depth_has_its_edges_where_the_picture_has_them(scene, motorcycle):
    """A coarse depth image takes the outlines of the picture, not those of its own pixels."""
    truth = true_disparity()
    coarse = cv2.resize(truth, (37, 25), interpolation=cv2.INTER_AREA)
    given = DepthImage(DepthMap(37, 25, coarse.data)).depth(as_array(motorcycle), scene).near
    assert pairs_in_order(given, truth) > 0.88


def test_the_plan_says_how_many_layers_and_why(motorcycle):
    right = plan_of(motorcycle, depth=motorcycle_depth())
    assert right["layers"] == 2
    assert right["gate"] >= GATE
    wrong = plan_of(motorcycle, depth=ramp(74, 50))
    assert (wrong["layers"], wrong["gate"]) == (1, 0.0)
    assert "gate" not in plan_of(motorcycle)
