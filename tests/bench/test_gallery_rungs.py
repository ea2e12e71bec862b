"""The gallery's page of rungs: every clip is made, each of its own kind, and a person steps through them by keys."""

import re

import av
import cv2
import numpy as np
import pytest

from bench.engine_photos import photo_file
from bench.gallery_page import Clips, Row, page, rung_of
from bench.gallery_rungs import Order, write_rungs
from bench.gallery_zoompan import Pan, pan_of
from tests.docs.browser import CHROMIUM, tab
from tools.coffee_depth import coffee_nearness

PLAN = '{"moves": [["%s"]], "depth": "estimated", "layers": 1}'
WHOLE = (
    '{"moves": [["push_in"]], "chosen_from_picture": false, "subject": [], "ambient": [], "ignored": [], '
    '"depth": "estimated", "layers": 1}'
)


@pytest.fixture(scope="module")
def order(tmp_path_factory):
    """The coffee, with a depth that is believed."""
    depth = tmp_path_factory.mktemp("depths") / "coffee.near.png"
    cv2.imwrite(str(depth), np.rint(coffee_nearness() * 255).astype(np.uint8))
    return Order("coffee", photo_file("coffee"), depth)


def frames(path):
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="gray").astype(float) for frame in container.decode(video=0)]


def test_each_photograph_has_the_engine_the_rung_below_and_zoompan_which_is_made_once(order, tmp_path):
    made = write_rungs(tmp_path, [order], ["orbit left", "truck left"], 1, seconds=0.5)
    text = made.read_text("utf-8")
    files = re.findall(r'data-src="([^"]+)"', text)
    assert len(files) == 6
    assert len(set(files)) == 5  # Both prompts go to the left, so zoompan's clip is one.
    clips = [frames(tmp_path / file) for file in files]
    assert {len(clip) for clip in clips} == {12}
    assert {clip[0].shape for clip in clips} == {(392, 588)}
    today, below, zoompan = clips[:3]
    assert np.abs(today[-1] - below[-1]).mean() > 1
    assert np.abs(zoompan[-1] - zoompan[0]).mean() > 1
    labels = re.findall(r"<span>([^<]+)</span>", text)
    assert labels[0].startswith("2 layers, gate ")
    assert labels[1:3] == ["soft warp, image", "zoompan"]
    before = (tmp_path / files[2]).stat().st_mtime_ns
    write_rungs(tmp_path, [order], ["truck left"], 1, seconds=0.5)
    assert (tmp_path / files[2]).stat().st_mtime_ns == before


def test_a_rung_is_told_by_the_plan():
    assert rung_of({"depth": "none", "layers": 1}) == "plane"
    assert rung_of({"depth": "estimated", "layers": 1}) == "soft warp, estimated"
    assert rung_of({"depth": "model x", "layers": 2, "gate": 0.612}) == "2 layers, gate 0.61"
    assert rung_of({"depth": "estimated", "layers": 2, "mask": 0.8}) == "2 layers, mask 0.80"


@pytest.mark.parametrize(
    ("move", "pan"),
    [("truck_left", Pan.LEFT), ("crane_up", Pan.UP), ("pull_out", Pan.OUT), ("push_in", Pan.IN), ("static", Pan.IN)],
)
def test_zoompan_goes_the_way_of_the_plan(move, pan):
    assert pan_of(PLAN % move) is pan


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
async def test_a_person_steps_through_by_keys_and_only_what_is_seen_is_loaded(tmp_path):
    names = [f"photo {number}" for number in range(8)]
    prompts = ("push in", "orbit <left>")
    rows = [
        Row(name, "3 / 2", tuple(Clips(each, *[f"{name}.mp4"] * 3, WHOLE, WHOLE) for each in prompts)) for name in names
    ]
    (tmp_path / "rungs.html").write_text(page(rows, 8), "utf-8")
    async with tab(tmp_path / "profile") as shown:
        await shown.call("Page.enable")
        await shown.open(f"file://{tmp_path}/rungs.html")
        assert await shown.value("document.querySelectorAll('video').length") == 8 * 2 * 3

        async def press(*keys):
            for key in keys:
                await shown.call("Input.dispatchKeyEvent", type="keyDown", key=key)

        await press("ArrowDown", "ArrowDown", "ArrowRight", "x")
        assert await shown.value("[row, cell, ...wrong].join('; ')") == "2; 1; photo 2: orbit <left>"
        await press("Enter")
        assert await shown.value("document.querySelector('figure.large').id") == "photo 2: orbit <left>"
        await press("ArrowRight")
        assert await shown.value("document.querySelector('figure.large').id") == "photo 3: push in"
        await press("Escape")
        loaded = "[...document.querySelectorAll('section')].filter(each => each.querySelector('video[src]')).length"
        await shown.until(f"{loaded} > 0 && {loaded} < 4")
