"""Speed and quality of the parallax engine: `python3 dev.py bench engine [--quick] [--json FILE]`."""

import argparse
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import cv2

from bench.engine_ambient import WORDS, ambient
from bench.engine_cost import speed
from bench.engine_depth import depth
from bench.engine_folders import AtHand, known_depths
from bench.engine_layers import layers
from bench.engine_looks import LOOPS, NATIVE_MOVES, directions, ending, fidelity, loops, smoothness, straightness
from bench.engine_maps import MapFaults, map_faults
from bench.engine_memory import memory, start
from bench.engine_orbits import orbits
from bench.engine_order import order
from bench.engine_people import people
from bench.engine_photos import DRAWINGS, LANDSCAPES, PHOTOS, QUICK, clip_size, everything, is_there, photo
from bench.engine_stereo import stereo_views
from bench.engine_views import novel_views
from bench.table import Figure, Sense, as_text, exit_code, spread, write_json
from stillmotion.domain.request import Resolution
from stillmotion.engines.parallax.camera.staging import Stage
from stillmotion.engines.parallax.engine import Parallax
from stillmotion.vision.faces import FaceFinder

Section = Callable[[], list[Figure]]
"""A part of the table: it measures when it is called."""

LINED = ("facade", "motorcycle_left", "rocket", "astronaut", "page", "lake", "Storm")
"""Pictures with straight lines."""
ENDS = (("astronaut", "coffee"), ("coffee", "chelsea"), ("lake", "meadow"), ("chelsea", "astronaut"))


def maps(names: Sequence[str]) -> list[Figure]:
    """Faults of the maps, over every native move and picture."""
    faces = FaceFinder()
    faults: dict[str, MapFaults] = {}
    for name in names:
        picture = photo(name)
        shot = Stage.of(picture, clip_size(picture, Resolution.P540), faces)
        faults |= {f"{move} on {name}": map_faults(shot, move) for move in NATIVE_MOVES}
    stretched = max(faults, key=lambda clip: faults[clip].stretch)
    return [
        Figure("folded cells of the maps", spread([sum(one.folds for one in faults.values())]), Sense.AT_MOST, 0),
        Figure("worst local stretch", spread([faults[stretched].stretch]), Sense.AT_MOST, 1.6, "×", stretched),
        Figure(
            "farthest sample outside the picture",
            spread([max(one.outside for one in faults.values())]),
            Sense.AT_MOST,
            0.01,
            "px",
            "0.01 px is the maps' own rounding",
        ),
    ]


def sections(engine: Parallax, folder: Path, at_hand: AtHand, *, quick: bool) -> Mapping[str, Section]:
    """Every part of the table by its name."""
    names = QUICK if quick else everything()
    there = [name for name in names if name not in DRAWINGS]
    lined = with_lines(names)
    return {
        **space(engine, folder, at_hand, quick=quick),
        "speed": lambda: speed(engine, folder, 1 if quick else 3),
        "memory": memory,
        "start": start,
        "fidelity": lambda: fidelity(engine, folder, names),
        "smoothness": lambda: smoothness(engine, folder, there[: 2 if quick else 7]),
        "directions": lambda: directions(engine, folder, names[: 2 if quick else None]),
        "maps": lambda: maps(names),
        "depth": depth,
        "lines": lambda: straightness(engine, folder, lined[: 2 if quick else None]),
        "loops": lambda: loops(engine, folder, LOOPS[: 3 if quick else None]),
        "ambient": lambda: ambient(engine, folder, WORDS[: 3 if quick else None]),
        "ending": lambda: ending(engine, folder, ENDS[: 1 if quick else None]),
    }


def space(engine: Parallax, folder: Path, at_hand: AtHand, *, quick: bool) -> Mapping[str, Section]:
    """The parts on depth, layers and people, each over all pictures at hand; with `quick` over the first few."""
    few = 3 if quick else None
    return {
        "views": lambda: novel_views(list(stereo_views(at_hand.views))[:few]),
        "parallax": lambda: orbits(engine, at_hand.photographs()[:few], list(known_depths(at_hand.depths))[:few]),
        "order": lambda: order(list(stereo_views(at_hand.views))[:few], list(known_depths(at_hand.depths))[:few]),
        "layers": lambda: layers(
            engine,
            folder,
            list(stereo_views(at_hand.views))[:few],
            list(known_depths(at_hand.depths))[:few],
            [one for one in at_hand.portraits()[:few] if one.faces],
        ),
        "people": lambda: people(engine, at_hand.portraits()[:few], at_hand.photographs()[:few]),
    }


def with_lines(names: Sequence[str]) -> list[str]:
    """The pictures with straight lines that this machine has; of the photographs only those among `names`."""
    return [name for name in LINED if is_there(name) and (name in names or name not in (*PHOTOS, *LANDSCAPES))]


def left_out(absent: Sequence[str], *, has_ffmpeg: bool) -> Iterator[str]:
    """Sentences on the measurements that this machine has not the means for, and how to get these."""
    if absent:
        yield f"left out: the pictures {', '.join(absent)} (apt-get install mate-backgrounds)"
    if not has_ffmpeg:
        yield "left out: the comparison with ffmpeg's zoompan (apt-get install ffmpeg)"


def main() -> int:
    """Measure, print, and answer 1 where a bar is missed."""
    parser = argparse.ArgumentParser(prog="bench engine", description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--quick", action="store_true", help="a few pictures, one round")
    parser.add_argument("--only", action="append", metavar="PART", help="only this part of the table; may be repeated")
    parser.add_argument("--views", type=Path, metavar="DIR", help="more stereo pairs with their disparities")
    parser.add_argument("--depths", type=Path, metavar="DIR", help="pictures NAME.jpg with a depth NAME.near.png")
    parser.add_argument("--people", type=Path, metavar="DIR", help="pictures of people with a list, faces.json")
    parser.add_argument(
        "--photos", type=Path, action="append", default=[], metavar="DIR", help="more photographs; may be repeated"
    )
    arguments = parser.parse_args()
    # SVT-AV1 would print its settings for each clip; 1 is for errors alone.
    os.environ.setdefault("SVT_LOG", "1")
    at_hand = AtHand(arguments.views, arguments.depths, arguments.people, arguments.photos)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as name:
        parts = sections(Parallax(), Path(name), at_hand, quick=arguments.quick)
        chosen = arguments.only or list(parts)
        if unknown := [part for part in chosen if part not in parts]:
            parser.error(f"no part is called {unknown[0]!r}: there are {', '.join(parts)}")
        absent = [name for name in LANDSCAPES if not is_there(name)]
        for sentence in left_out(absent, has_ffmpeg=shutil.which("ffmpeg") is not None):
            print(sentence, file=sys.stderr, flush=True)
        for part in chosen:
            began = time.perf_counter()
            figures += parts[part]()
            print(f"{part}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    print(as_text(figures))
    if arguments.json:
        about = {"python": platform.python_version(), "opencv": cv2.__version__, "machine": platform.machine()}
        write_json(figures, arguments.json, about)
    return exit_code(figures)


if __name__ == "__main__":
    raise SystemExit(main())
