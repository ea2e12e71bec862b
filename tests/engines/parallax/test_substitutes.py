"""Moves that need depth are made where it is known or a person can be cut out; elsewhere the plan says what is done."""

import json
from dataclasses import replace

import numpy as np
import pytest

from bench.engine_photos import photo
from stillmotion.domain.rendering import DepthMap, RenderJob
from stillmotion.domain.request import FrameSize
from stillmotion.engines.parallax.analysis.scene import Depth, Scene, analyse
from stillmotion.engines.parallax.camera.path import camera_path
from stillmotion.engines.parallax.camera.staging import Stage
from stillmotion.engines.parallax.defaults import settled
from stillmotion.engines.parallax.engine import Parallax
from stillmotion.engines.parallax.language.parser import read
from stillmotion.vision.faces import Box, FaceFinder
from stillmotion.vision.resize import as_array

SIZE = FrameSize(480, 320)


@pytest.fixture(scope="module")
def coffee() -> Scene:
    return analyse(as_array(photo("coffee")), FaceFinder())


def known(scene: Scene, *, gate: float) -> Scene:
    grid = np.linspace(0, 1, scene.shape[0], dtype=np.float32)[:, np.newaxis] + np.zeros(scene.shape, np.float32)
    return replace(scene, depth=Depth(grid, "image", grid, gate))


@pytest.mark.parametrize(
    ("prompt", "instead"),
    [("dolly zoom", "zoom_in"), ("crane up", "pedestal_up"), ("aerial shot", "pedestal_up"), ("vertigo", "zoom_in")],
)
def test_over_a_guess_another_move_is_made_and_that_is_said(coffee, prompt, instead):
    plan = settled(read(prompt), coffee, 480, 320)
    assert list(plan.camera_moves()) == [instead]
    (note,) = plan.ignored
    assert note.reason.endswith(f"{instead.replace('_', ' ')} instead")
    assert "only guessed" in note.reason
    assert not plan.approximated


def test_known_depth_keeps_them(coffee):
    for prompt, move in (("dolly zoom", "dolly_zoom"), ("crane up", "crane_up")):
        plan = settled(read(prompt), known(coffee, gate=0.9), 480, 320)
        assert list(plan.camera_moves()) == [move]
        assert not plan.ignored


def test_depth_that_does_not_fit_the_picture_is_no_better_than_a_guess(coffee):
    assert list(settled(read("dolly zoom"), known(coffee, gate=0.0), 480, 320).camera_moves()) == ["zoom_in"]


def test_a_person_who_can_be_cut_out_keeps_them(coffee):
    face = Box(0.4, 0.2, 0.6, 0.45)
    y, x = np.mgrid[0:256, 0:384] / np.array([256, 384]).reshape(2, 1, 1)
    body = ((np.abs(x - 0.5) < 0.2) & (y > 0.15)).astype(np.float32)
    sure, unsure = replace(coffee, faces=(face,), people=body), replace(coffee, faces=(face,), people=body * 0.5)
    assert list(settled(read("dolly zoom"), sure, 480, 320).camera_moves()) == ["dolly_zoom"]
    assert list(settled(read("dolly zoom"), unsure, 480, 320).camera_moves()) == ["zoom_in"]


@pytest.mark.parametrize("far", [False, True])
def test_a_dolly_zoom_keeps_the_subjects_size_and_changes_the_rest(coffee, far):
    """The subject is the near half or the far half of the picture."""
    focus = (0.5, 0.15 if far else 0.7)
    stage = Stage.over(photo("coffee"), SIZE, replace(known(coffee, gate=0.9), focus=focus, lines=coffee.lines[:0]))
    _, views = stage.fit_move(camera_path(read("dolly zoom"), 13, 5.0, 1))
    grown = views.zoom[-1] / (1 - np.array([0.3, 0.4 if far else 0.79, 1.0]) * views.z[-1])
    assert grown[1] == pytest.approx(1, abs=0.04)
    assert max(abs(np.log(grown[0] / grown[1])), abs(np.log(grown[2] / grown[1]))) > 0.1
    assert bool(views.z[-1] > 0) is far


def test_the_plan_of_a_clip_names_the_move_that_was_made():
    job = RenderJob("dolly zoom", photo("coffee"), None, SIZE, 0.5)
    plan = json.loads(Parallax().render(job, lambda _: None).plan)
    assert plan["moves"] == [["zoom_in"]]
    assert plan["ignored"][0]["words"] == "dolly zoom"


def test_a_wrong_depth_image_makes_no_dolly_zoom():
    noise = np.random.default_rng(3).random((40, 60), dtype=np.float32)
    job = RenderJob("dolly zoom", photo("coffee"), None, SIZE, 0.5, depth=DepthMap(60, 40, noise.tobytes()))
    assert json.loads(Parallax().render(job, lambda _: None).plan)["moves"] == [["zoom_in"]]
