"""The engine bench on a machine with nothing but the project: it finishes, and says what it left out."""

import pytest

from bench import engine_looks, engine_photos
from bench.engine import ENDS, left_out, with_lines
from bench.engine_photos import LANDSCAPES, everything, is_there, photo, photo_file


def test_every_picture_that_is_measured_is_there_without_debians_photographs():
    measured = {*everything(()), *with_lines(everything(())), *(name for pair in ENDS for name in pair)}
    measured |= {name for name, _ in engine_looks.LOOPS}
    assert not measured & set(LANDSCAPES)
    assert all(map(is_there, measured))
    assert photo("page").width > 0
    assert len(with_lines(engine_photos.QUICK)) >= 2


def test_what_is_left_out_is_said_with_the_way_to_get_it():
    pictures, comparison = left_out(("Dune", "Storm"), has_ffmpeg=False)
    assert pictures.startswith("left out: the pictures Dune, Storm")
    assert "apt-get install mate-backgrounds" in pictures
    assert "apt-get install ffmpeg" in comparison
    with pytest.raises(FileNotFoundError, match="mate-backgrounds"):
        photo_file("Nothing of that name")
