"""Words for a generation's place in line and the time that is left."""

import pytest

from stillmotion.cli.generate.progress_bars import standing
from stillmotion.client import Generation


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({}, "queued"),
        ({"stage": "waiting", "queue_position": 3, "eta_seconds": 12.2}, "waiting, 3 in line, about 13 s"),
        ({"stage": "waiting", "queue_position": 3}, "waiting, 3 in line"),
        ({"stage": "rendering", "eta_seconds": 240.0}, "rendering, about 4 min"),
        ({"stage": "waiting", "queue_position": 900, "eta_seconds": 9000.0}, "waiting, 900 in line, about 2.5 h"),
    ],
)
def test_the_place_and_the_time_left_are_told_as_far_as_they_are_known(told, words):
    assert standing(Generation("g", "queued", "ray-2", **told)) == words
