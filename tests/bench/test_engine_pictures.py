"""The engine bench runs to its end on a machine that has nothing but the project, and says what it left out."""

from pathlib import Path

import pytest

from bench import engine, engine_looks, engine_photos
from bench.engine import ENDS, left_out, with_lines
from bench.engine_photos import LANDSCAPES, everything, is_there, photo, photo_file


@pytest.fixture
def nothing_installed(monkeypatch):
    monkeypatch.setattr(engine_photos, "BACKGROUNDS", Path("/nowhere"))
    monkeypatch.setattr(engine.shutil, "which", lambda _: None)


def test_every_picture_that_is_measured_is_there_without_debians_photographs(nothing_installed):
    measured = {*everything(), *with_lines(everything()), *(name for pair in ENDS for name in pair)}
    measured |= {name for name, _ in engine_looks.LOOPS}
    assert not measured & set(LANDSCAPES)
    assert all(map(is_there, measured))
    assert photo("page").width > 0
    assert len(with_lines(engine_photos.QUICK)) >= 2


def test_what_is_left_out_is_said_with_the_way_to_get_it(nothing_installed):
    pictures, comparison = left_out()
    assert pictures.startswith("left out: the pictures Dune, Storm")
    assert "apt-get install mate-backgrounds" in pictures
    assert "apt-get install ffmpeg" in comparison
    with pytest.raises(FileNotFoundError, match="mate-backgrounds"):
        photo_file("Storm")
