"""Pages of clips to look through: `python3 dev.py gallery [--out DIR]`, and with `--rungs` side by side with others."""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import av
import cv2
import numpy as np

from bench.engine_photos import clip_size, is_there, never, photo
from bench.gallery_cases import CHAPTERS, Case
from bench.gallery_page import understood
from bench.gallery_rungs import ordered, prompts_of, write_rungs
from stillmotion.domain.rendering import RenderJob
from stillmotion.domain.request import Resolution
from stillmotion.engines.parallax.engine import Parallax
from stillmotion.media.output.encoder import encode

SECONDS = 3.0
SHEET_HEIGHT = 240
DIFFERENCE_GAIN = 2

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 84rem; padding: 0 1rem; color: #222; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #ccc; }
section { display: grid; grid-template-columns: repeat(auto-fill, minmax(26rem, 1fr)); gap: 1.5rem; }
figure { margin: 0; }
video, img { width: 100%; display: block; background: #eee; }
video { max-height: 20rem; }
figcaption { font-size: 13px; overflow-wrap: anywhere; }
figcaption b { font-size: 15px; }
"""


@dataclass(frozen=True)
class Shown:
    """A finished clip: its case, its files' names, and the engine's plan of it."""

    case: Case
    clip: str
    sheet: str
    plan: str


def made(engine: Parallax, case: Case, folder: Path, name: str) -> Shown:
    """Film a case and lay out its contact sheet."""
    picture = photo(case.photo)
    end = photo(case.end) if case.end else None
    size = clip_size(picture, Resolution.P540, case.aspect)
    rendering = engine.render(RenderJob(case.prompt, picture, end, size, SECONDS, loop=case.loop), never)
    encode(rendering, folder / f"{name}.mp4")
    cv2.imwrite(str(folder / f"{name}.jpg"), contact_sheet(folder / f"{name}.mp4"), [cv2.IMWRITE_JPEG_QUALITY, 90])
    return Shown(case, f"{name}.mp4", f"{name}.jpg", rendering.plan)


def contact_sheet(clip: Path) -> np.ndarray:
    """The first, middle and last frame side by side, and the difference of the last from the first."""
    with av.open(str(clip)) as container:
        frames = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    first, middle, last = frames[0], frames[len(frames) // 2], frames[-1]
    difference = cv2.convertScaleAbs(cv2.absdiff(first, last), alpha=DIFFERENCE_GAIN)
    width = round(first.shape[1] * SHEET_HEIGHT / first.shape[0])
    shown = [
        cv2.resize(one, (width, SHEET_HEIGHT), interpolation=cv2.INTER_AREA)
        for one in (first, middle, last, difference)
    ]
    return np.hstack(shown)


def page(chapters: Sequence[tuple[str, Sequence[Shown]]]) -> str:
    """The whole page; it needs nothing but the files beside it."""
    parts = [
        f"<h2>{escape(heading)}</h2>\n<section>{''.join(map(_figure, shown))}</section>" for heading, shown in chapters
    ]
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>What the embedded engine makes</title>\n'
        f"<style>{STYLE}</style>\n<h1>What the embedded engine makes</h1>\n"
        f"<p>{sum(len(shown) for _, shown in chapters)} clips of {SECONDS:g} s. Under each: its first, middle and last "
        f"frame, and the last less the first (× {DIFFERENCE_GAIN}).</p>\n" + "\n".join(parts) + "\n</html>\n"
    )


def _figure(shown: Shown) -> str:
    case = shown.case
    about = [case.photo, *([f"to {case.end}"] if case.end else []), *([case.aspect.value] if case.aspect else [])]
    about += ["loop"] if case.loop else []
    return (
        f'\n<figure><video src="{shown.clip}" controls loop muted playsinline preload="metadata"></video>'
        f'<a href="{shown.sheet}"><img src="{shown.sheet}" loading="lazy" alt="Four frames of the clip"></a>'
        f"<figcaption><b>{escape(case.prompt)}</b> — {escape(', '.join(about))}<br>"
        f"{escape(understood(json.loads(shown.plan)))}</figcaption></figure>"
    )


def _there(case: Case) -> bool:
    """True where this machine has the pictures."""
    names = [case.photo, *([case.end] if case.end else [])]
    return all(map(is_there, names))


def main() -> int:
    """Make every clip, then the page."""
    parser = argparse.ArgumentParser(prog="gallery", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out", "gallery"), help="the folder to write to")
    parser.add_argument("--only", default="", help="only clips whose picture or prompt has this word")
    parser.add_argument("--rungs", action="store_true", help="the engine beside its lower rung and zoompan")
    parser.add_argument(
        "--photos", type=Path, action="append", default=[], help="--rungs: a folder of more photographs"
    )
    parser.add_argument("--depths", type=Path, help="--rungs: a folder of NAME.near.png for them, bright being near")
    parser.add_argument("--prompts", type=Path, help="--rungs: a file of prompts, one a line")
    parser.add_argument("--jobs", type=int, help="--rungs: photographs at a time")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.rungs:
        orders = ordered(arguments.photos, arguments.depths, arguments.only)
        print(f"Open {write_rungs(arguments.out, orders, prompts_of(arguments.prompts), arguments.jobs)}")
        return 0
    return _chapters(arguments)


def _chapters(arguments: argparse.Namespace) -> int:
    engine, began = Parallax(), time.perf_counter()
    chapters: list[tuple[str, list[Shown]]] = []
    for number, (heading, cases) in enumerate(CHAPTERS, 1):
        wanted = [case for case in cases if _there(case) and arguments.only in f"{case.photo} {case.prompt}"]
        shown = [
            made(engine, case, arguments.out, f"{number}-{index:02}-{case.photo}")
            for index, case in enumerate(wanted, 1)
        ]
        chapters += [(heading, shown)] if shown else []
        print(f"{heading}: {len(shown)} clips, {time.perf_counter() - began:.0f} s in all", flush=True)
    (arguments.out / "index.html").write_text(page(chapters), "utf-8")
    print(f"Open {arguments.out / 'index.html'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
