"""The contract that every engine keeps, and what this one promises beyond it."""

from dataclasses import replace
from pathlib import Path

import pytest
from stillmotion_kenburns import KenBurns

from stillmotion.adapters.models.catalogue import read_catalogue
from stillmotion.domain.errors import EngineUnfit
from stillmotion.testing.engines import EngineContract, sample

SLIDESHOW = read_catalogue(Path(__file__).parents[1] / "models.toml").entries["slideshow"]


class TestKenBurns(EngineContract):
    entry = SLIDESHOW

    def test_a_cross_fade_starts_at_the_one_picture_and_ends_at_the_other(self):
        engine, size = self.engine(), self.sizes[0]
        one, other = sample(64, 48, 1), sample(64, 48, 2)
        there = self.made(engine, size, pictures=[one, other]).frames
        back = self.made(engine, size, pictures=[other, one]).frames
        assert there[0] == back[-1]
        assert there[-1] == back[0]
        assert there[0] != there[-1]


def test_a_zoom_that_is_no_number_is_refused_with_the_name_of_the_option():
    with pytest.raises(EngineUnfit, match=r"models\.slideshow\.options\.zoom must be a number from 1 to 4"):
        KenBurns(replace(SLIDESHOW, options={"zoom": "wide"}))
