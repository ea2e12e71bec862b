"""Fault points: the server is killed at each of them, and every promise holds after the restart."""

import os
import subprocess
import time

import pytest

from bench.soak.invariants import violations
from stillmotion.application.failpoints import Point
from stillmotion.domain.assets import AssetKind
from tests.end_to_end.conftest import COMMAND, SIGNALS, clean_environment

BEFORE_THE_ANSWER = [Point.SUBMIT_BEFORE_INSERT, Point.SUBMIT_BEFORE_COMMIT, Point.SUBMIT_AFTER_COMMIT]
AT_WORK = [
    Point.CLAIM_AFTER_COMMIT,
    Point.FETCH_MIDWAY,
    Point.HOST_MIDWAY,
    Point.PUBLISH_UNSETTLED,
    Point.PUBLISH_BETWEEN,
    Point.COMPLETE_BEFORE_COMMIT,
]
AFTER_THE_END = [Point.COMPLETE_AFTER_COMMIT, Point.CALLBACK_BEFORE_POST, Point.CALLBACK_BEFORE_RECORD]
IN_THE_RENDERER = [Point.DECODE_BEGUN, Point.RENDER_MIDWAY, Point.RENDER_WRITTEN]

UNNAMED = {Point.PUBLISH_UNSETTLED: 1, Point.PUBLISH_BETWEEN: 1, Point.COMPLETE_BEFORE_COMMIT: len(AssetKind)}
"""The most objects that a kill at a point leaves and no row names. At the others it leaves none."""

KILLED = -9


def always(first, points):
    """Every point as a case. The first is tried in every run, and the others in the long one."""
    return [pytest.param(each, marks=[] if each is first else pytest.mark.slow) for each in points]


def test_every_point_is_driven_by_a_test_here():
    driven = [*BEFORE_THE_ANSWER, *AT_WORK, *AFTER_THE_END, *IN_THE_RENDERER]
    assert sorted(driven) == sorted(Point)


@pytest.mark.parametrize("point", always(Point.SUBMIT_BEFORE_COMMIT, BEFORE_THE_ANSWER))
def test_killed_in_a_submit_it_makes_one_generation_of_all_tries(shaken, point):
    shaken.start(f"{point}=kill9")
    body = shaken.order(inline=True)
    assert shaken.submit(body, "order-1") is None
    assert shaken.wait_for_death() == KILLED
    assert shaken.hit == {point}
    shaken.start()
    again = shaken.submit(body, "order-1")
    assert again.status == 200
    assert shaken.running.wait_for(again.body["id"], "completed", "failed")["state"] == "completed"
    shaken.announced(again.body["id"], "completed")
    holdings = shaken.settled()
    assert [row.id for row in holdings.rows] == [again.body["id"]]
    assert len(holdings.orphans()) <= (0 if point is Point.SUBMIT_AFTER_COMMIT else 1)


@pytest.mark.parametrize("point", always(Point.COMPLETE_BEFORE_COMMIT, AT_WORK))
def test_killed_at_work_it_makes_the_clip_again_and_one_result_is_left(shaken, point):
    shaken.start(f"{point}=kill9")
    accepted = shaken.submit(shaken.order(), "order-1")
    assert shaken.wait_for_death() == KILLED
    assert shaken.hit == {point}
    shaken.start()
    assert shaken.running.wait_for(accepted.body["id"], "completed", "failed")["state"] == "completed"
    shaken.announced(accepted.body["id"], "completed")
    holdings = shaken.settled()
    (row,) = holdings.rows
    assert (row.attempt, row.failures) == (2, 0)
    assert all("/" + row.id + "/" in f"/{key}" for key in holdings.orphans())
    assert len(holdings.orphans()) <= UNNAMED.get(point, 0)
    if SIGNALS is None:  # Apart the picture was in the dead worker's own place.
        assert len(shaken.elsewhere.given) == (2 if point is Point.FETCH_MIDWAY else 1), "nothing is fetched twice"
        assert list((shaken.running.directory / "fetched").iterdir()) == []
    if point in (Point.PUBLISH_BETWEEN, Point.COMPLETE_BEFORE_COMMIT):
        assert len(holdings.orphans()) == UNNAMED[point]
        assert_collected(shaken)


def assert_collected(shaken):
    """`stillmotion gc` finds what a crash left between the puts and the row, and leaves the result alone."""
    past = time.time() - 2 * 3600
    for path in (shaken.running.directory / "objects").rglob("*"):
        if path.is_file():
            os.utime(path, (past, past))
    words = [*COMMAND, "gc", "--data-dir", str(shaken.running.directory)]
    environment = clean_environment(**shaken.running.of_commands())
    subprocess.run(words, env=environment, capture_output=True, timeout=60, check=True)
    holdings = shaken.holdings()
    assert holdings.orphans() == []
    assert violations(holdings, shaken.accepted) == [], "the result itself is whole"


@pytest.mark.parametrize("point", always(Point.CALLBACK_BEFORE_RECORD, AFTER_THE_END))
def test_killed_after_a_commit_it_still_tells_what_was_committed(shaken, point):
    nth = "" if point is Point.COMPLETE_AFTER_COMMIT else ":2"
    shaken.start(f"{point}=kill9{nth}")
    accepted = shaken.submit(shaken.order(), "order-1")
    assert shaken.wait_for_death() == KILLED
    assert shaken.hit == {point}
    shaken.start()
    assert shaken.running.wait_for(accepted.body["id"], "completed", "failed")["state"] == "completed"
    assert shaken.announced(accepted.body["id"], "completed") <= 2
    assert shaken.announced(accepted.body["id"], "dreaming") <= 2
    holdings = shaken.settled()
    (row,) = holdings.rows
    assert (row.attempt, row.failures) == (1, 0)
    assert holdings.orphans() == []


@pytest.mark.parametrize("point", always(Point.RENDER_MIDWAY, IN_THE_RENDERER))
def test_a_picture_that_kills_every_renderer_fails_with_a_reason(shaken, point):
    shaken.start(f"{point}=kill9")
    accepted = shaken.submit(shaken.order(), "order-1")
    ended = shaken.running.wait_for(accepted.body["id"], "completed", "failed")
    assert ended["state"] == "failed"
    assert ended["failure_reason"]
    assert shaken.hit == {point}
    shaken.announced(accepted.body["id"], "failed")
    assert shaken.running.call("GET", "/healthz").status == 200
    holdings = shaken.settled()
    (row,) = holdings.rows
    assert (row.code, row.failures, holdings.orphans()) == ("renderer_crashed", 3, [])
    shaken.start()
    other = shaken.submit(shaken.order(), "order-2")
    assert shaken.running.wait_for(other.body["id"], "completed", "failed")["state"] == "completed"
