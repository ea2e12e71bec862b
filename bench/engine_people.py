"""People: faces found, and persons who lean while the wall stands still."""

import json
from collections.abc import Mapping, Sequence

import cv2

from bench.engine_folders import FacedPhoto
from bench.engine_lean import FaceBox, Lean, lean
from bench.engine_orbits import SHOWN, luma_of
from bench.engine_photos import clip_size, never
from bench.table import Figure, Sense, spread
from stillmotion.domain.rendering import Picture, RenderJob
from stillmotion.domain.request import Resolution
from stillmotion.engines.parallax.engine import Parallax
from stillmotion.vision.faces import Box, FaceFinder
from stillmotion.vision.persons import PersonFinder
from stillmotion.vision.resize import Grid, as_array

PROMPT = "leaning girl, static camera"
SECONDS = 2.0
UNLIKELY = 0.1
"""Probability of a person up to which a pixel is the wall's."""
FACES_BAR = 96.0
"""25 of 26 in per cent."""


def people(engine: Parallax, portraits: Sequence[FacedPhoto], photos: Sequence[FacedPhoto]) -> list[Figure]:
    """The rows on people."""
    return [*faces(portraits, photos), *masks(engine, portraits, photos), *leans(engine, portraits)]


def faces(portraits: Sequence[FacedPhoto], photos: Sequence[FacedPhoto]) -> list[Figure]:
    """Faces found among those listed, and boxes that hold none of them."""
    finder = FaceFinder()
    listed, missed, false = 0, [], []
    for photo in {one.name: one for one in (*photos, *portraits)}.values():
        if photo.faces is None:
            continue
        boxes = list(finder.find(as_array(photo.picture)))
        lost, spare = matched(boxes, photo.faces)
        listed += len(photo.faces)
        missed += [photo.name] * lost
        false += [photo.name] * spare
    share = 100 * (listed - len(missed)) / listed
    found = f"{listed - len(missed)} of {listed}" + (f"; missed on {', '.join(missed)}" if missed else "")
    return [
        Figure("faces found", spread([share]), Sense.AT_LEAST, FACES_BAR, "%", found),
        Figure("false faces", spread([len(false)]), Sense.AT_MOST, 0, note=", ".join(false)),
    ]


def matched(boxes: Sequence[Box], middles: Sequence[Sequence[float]]) -> tuple[int, int]:
    """The number of listed faces that no box holds, and of boxes that hold none, or one that another box holds."""
    free = list(middles)
    spare = 0
    for box in boxes:
        held = [at for at in free if box.left <= at[0] <= box.right and box.top <= at[1] <= box.bottom]
        if not held:
            spare += 1
            continue
        x, y = box.centre
        free.remove(min(held, key=lambda at: (at[0] - x) ** 2 + (at[1] - y) ** 2))
    return len(free), spare


def masks(engine: Parallax, portraits: Sequence[FacedPhoto], photos: Sequence[FacedPhoto]) -> list[Figure]:
    """People whose masks are good, cut out by the engine's own plan, and all other pictures, left whole."""
    good, out, let_in, tried = 0, [], [], 0
    for photo in {one.name: one for one in (*photos, *portraits)}.values():
        if photo.faces is None or photo.cuts_out is None:
            continue
        picture = photo.picture
        job = RenderJob(PROMPT, picture, None, clip_size(picture, Resolution.P540), SECONDS)
        passes = "mask" in json.loads(engine.render(job, never).plan)
        if photo.faces and photo.cuts_out:
            good += 1
            out += [] if passes else [photo.name]
        else:
            tried += 1
            let_in += [photo.name] if passes else []
    share = 100 * (good - len(out)) / good
    note = f"{good - len(out)} of {good}" + (f"; out: {', '.join(out)}" if out else "")
    others = f"of {tried}" + (f": {', '.join(let_in)}" if let_in else "")
    return [
        Figure("mask gate: good masks in", spread([share]), Sense.AT_LEAST, 100, "%", note),
        Figure("mask gate: without people, or bad, in", spread([len(let_in)]), Sense.AT_MOST, 0, note=others),
    ]


def leans(engine: Parallax, portraits: Sequence[FacedPhoto]) -> list[Figure]:
    """The rows on leaning, over all pictures with a face."""
    found: dict[str, Lean] = {}
    busts: list[str] = []
    finder, cutter = FaceFinder(), PersonFinder()
    for photo in portraits:
        picture = photo.picture
        rgb = as_array(picture)
        boxes = finder.find(rgb) if photo.faces else ()
        if boxes:
            found[photo.name], is_bust = _leaning(engine, picture, boxes, cutter.mask(rgb))
            busts += [photo.name] if is_bust else []
    dragged = {name: one.dragged for name, one in found.items() if one.dragged is not None}
    turned = {name: one.turn for name, one in found.items()}
    short = {name: turned[name] for name in busts}
    return [
        *_row("wall beside a leaning head ÷ the head", dragged, Sense.AT_MOST, 0.1),
        *_row("turn of a leaning face", turned, Sense.AT_LEAST, 5, "°"),
        *_row("turn of a leaning bust", short, Sense.AT_LEAST, 3, "°"),
    ]


def _leaning(engine: Parallax, picture: Picture, boxes: Sequence[Box], mask: Grid) -> tuple[Lean, bool]:
    """The lean of the face that moves most, and a mark for busts."""
    size = clip_size(picture, Resolution.P540)
    rendering = engine.render(RenderJob(PROMPT, picture, None, size, SECONDS), never)
    planes = [luma_of(frame) for frame in rendering.frames]
    frame = [
        FaceBox(box.left * size.width, box.top * size.height, box.right * size.width, box.bottom * size.height)
        for box in boxes
    ]
    everybody = cv2.resize(mask, (size.width, size.height), interpolation=cv2.INTER_LINEAR) > UNLIKELY
    measured = [(lean(planes, face, everybody), face.is_bust(size.height)) for face in frame]
    return max(measured, key=lambda one: one[0].head)


def _row(name: str, found: Mapping[str, float], sense: Sense, bar: float, unit: str = "") -> list[Figure]:
    """The median of some pictures with the worst of them in its note; nothing where none could be measured."""
    if not found:
        return []
    worst = sorted(found, key=lambda one: found[one], reverse=sense is Sense.AT_MOST)[:SHOWN]
    note = "worst: " + ", ".join(f"{one} {found[one]:.2g}" for one in worst)
    return [Figure(name, spread(list(found.values())), sense, bar, unit, note)]
