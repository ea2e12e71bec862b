"""The pictures of "How a photograph becomes a space": `python -m tools.space`.

Each step of the embedded engine as it is in the code, on photographs of scikit-image's wheel that are in the public
domain: the coffee (Rachel Michetti, CC0) and the astronaut (NASA). The coffee's depth is drawn by hand.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import skimage.data
from PIL import Image

from stillmotion.domain.rendering import DepthMap, Picture, RenderJob
from stillmotion.domain.request import FrameSize
from stillmotion.engines.parallax.analysis.persons import person_meant
from stillmotion.engines.parallax.analysis.scene import GRID_SIDE, Scene, analyse
from stillmotion.engines.parallax.camera.path import camera_path
from stillmotion.engines.parallax.camera.staging import Stage
from stillmotion.engines.parallax.canvas import Canvas
from stillmotion.engines.parallax.depth.estimate import cut
from stillmotion.engines.parallax.depth.source import DepthImage, Estimate
from stillmotion.engines.parallax.engine import Parallax
from stillmotion.engines.parallax.language.parser import read
from stillmotion.engines.parallax.layers.background import Background
from stillmotion.engines.parallax.layers.gate import edge_peak, gated
from stillmotion.engines.parallax.layers.person import from_mask
from stillmotion.engines.parallax.layers.sheets import Layers, in_layers
from stillmotion.media.frames import rgb
from stillmotion.media.input.pictures import decode
from stillmotion.vision.faces import FaceFinder
from stillmotion.vision.persons import PersonFinder
from stillmotion.vision.resize import as_array
from tools.coffee_depth import coffee_nearness

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "images" / "space"
WHEEL = Path(skimage.data.__file__).parent
PANEL, GAP = 300, 6
"""Width of a panel, and between two, in pixels."""
QUALITY = 62
SECONDS, COUNT = 3.0, 72
PROMPT = "orbit left"
PERSON_MOVES = 24.0
"""The way in pixels for which the wall behind the astronaut is painted."""
GREEN, ORANGE = (60, 220, 120), (255, 150, 40)


@dataclass(frozen=True)
class Known:
    """The coffee with its depth, staged for an orbit."""

    picture: Picture
    depth: DepthMap
    scene: Scene
    stage: Stage
    layers: Layers
    upper: Any
    back: Any


def staged_coffee() -> Known:
    """The coffee as far as its first frame."""
    picture, near = decode(WHEEL / "coffee.png"), coffee_nearness()
    depth = DepthMap(near.shape[1], near.shape[0], near.tobytes())
    pixels = as_array(picture)
    scene = analyse(pixels, FaceFinder())
    scene = replace(scene, depth=gated(DepthImage(depth).depth(pixels, scene), pixels))
    stage = Stage.over(picture, FrameSize(picture.width, picture.height), scene)
    _, views = stage.fit_move(camera_path(read(PROMPT, ()), COUNT, SECONDS, 0))
    layers = in_layers(stage, views)
    if layers is None:
        raise SystemExit("the coffee's depth no longer passes the gate")
    envelopes = stage.envelopes(views)
    return Known(picture, depth, scene, stage, layers, envelopes.upper, envelopes.back)


def seen() -> list[Any]:
    """Findings in a picture: its faces and straight lines, the pixels of its people, a guess of its depth."""
    picture = decode(WHEEL / "astronaut.png")
    pixels = as_array(picture)
    scene = analyse(pixels, FaceFinder())
    height, width = pixels.shape[:2]
    found = pixels.copy()
    for line in scene.lines:
        ends = (line.reshape(2, 2) * (width, height)).round().astype(int)
        cv2.line(found, ends[0].tolist(), ends[1].tolist(), GREEN, 2, cv2.LINE_AA)
    for face in scene.faces:
        corner, other = (face.left, face.top), (face.right, face.bottom)
        places = [(round(x * width), round(y * height)) for x, y in (corner, other)]
        cv2.rectangle(found, places[0], places[1], ORANGE, 3, cv2.LINE_AA)
    mask = PersonFinder().mask(pixels)
    people = cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR)
    guess = Estimate().depth(pixels, scene).near
    return [found, _grey(people), _grey(cv2.resize(guess, (width, height)))]


def gate(known: Known) -> tuple[list[Any], tuple[float, float]]:
    """The steps of depth on the picture, its own and mirrored, and the gate's value for both."""
    pixels, near = as_array(known.picture), coffee_nearness()
    luma = cv2.cvtColor(cv2.resize(pixels, (640, 427), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    mirrored = np.ascontiguousarray(near[:, ::-1])
    shown = [_grey(near), *(_with_steps(pixels, each) for each in (near, mirrored))]
    return shown, (edge_peak(near, luma), edge_peak(mirrored, luma))


def crisped(known: Known) -> list[Any]:
    """Depth as a network knows it, at 160 cells, and the same made a step again at the picture's edges."""
    scene, picture = known.scene, known.picture
    assert scene.depth is not None
    coarse = cv2.resize(coffee_nearness(), (GRID_SIDE, round(GRID_SIDE * 2 / 3)), interpolation=cv2.INTER_AREA)
    blurred = replace(scene, depth=replace(scene.depth, raw=coarse))
    stage = Stage.over(picture, FrameSize(picture.width, picture.height), blurred)
    assert stage.relief is not None
    rows, columns = stage.relief.shape
    before = cut(coarse, stage.canvas.region, stage.picture, (columns, rows))
    part = slice(round(0.02 * rows), round(0.42 * rows)), slice(round(0.5 * columns), round(0.9 * columns))
    shown = cv2.resize(as_array(picture), (columns, rows), interpolation=cv2.INTER_AREA)
    return [shown[part], _grey(before[part]), _grey(stage.relief[part])]


def moved(known: Known) -> list[Any]:
    """The first frame, the last, and where the last shows what the photograph does not."""
    size = FrameSize(known.picture.width, known.picture.height)
    job = RenderJob(PROMPT, known.picture, None, size, SECONDS, depth=known.depth)
    drawn = [rgb(frame) for frame in Parallax().render(job, lambda _: None).frames]
    return [drawn[0], drawn[-1]]


def person() -> list[Any]:
    """The astronaut cut out, the wall without her, and the middle of her lean."""
    picture = decode(WHEEL / "astronaut.png")
    size = FrameSize(picture.width, picture.height)
    pixels = as_array(picture)
    scene = analyse(pixels, FaceFinder())
    scene = replace(scene, people=PersonFinder().mask(pixels), depth=Estimate().depth(pixels, scene))
    stage = Stage.over(picture, size, scene, person=person_meant(scene, None))
    surface, _ = stage.fit_move(camera_path(read("static camera", ()), COUNT, SECONDS, 0))
    if stage.cutout is None or surface.behind is None:
        raise SystemExit("the astronaut is no longer cut out")
    moved = np.full(surface.inverse.shape, PERSON_MOVES, np.float32)
    layers = from_mask(surface, surface.behind, stage.cutout.alpha, moved)
    job = RenderJob("leaning girl, static camera", picture, None, size, SECONDS)
    drawn = [rgb(frame) for frame in Parallax().render(job, lambda _: None).frames]
    return [_grey(stage.cutout.alpha / 255), _plain(layers.canvas, layers.background), drawn[0], drawn[len(drawn) // 2]]


def _with_steps(pixels: Any, near: Any) -> Any:
    """The picture, darker, with the steps of depth upon it."""
    slope = cv2.magnitude(cv2.Sobel(near, -1, 1, 0), cv2.Sobel(near, -1, 0, 1))
    steps = cv2.dilate((slope > 0.15).astype(np.uint8), np.ones((2, 2), np.uint8))
    shown = (pixels * 0.55).astype(np.uint8)
    shown[steps > 0] = GREEN
    return shown


def _grey(near: Any) -> Any:
    return np.repeat(np.clip(near * 255, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def _plain(canvas: Canvas, planes: Canvas | Background) -> Any:
    """A canvas's planes, or those of a background, as RGB."""
    size = (canvas.width, canvas.height)
    luma = planes.fine[::2, ::2]
    u, v = (cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for plane in (planes.u, planes.v))
    y, u, v = (plane.astype(np.float32) for plane in (luma, u, v))
    y, u, v = (y - 16) * (255 / 219), (u - 128) * (255 / 224), (v - 128) * (255 / 224)
    # BT.709.
    channels = (y + 1.5748 * v, y - 0.1873 * u - 0.4681 * v, y + 1.8556 * u)
    return np.clip(np.stack(channels, axis=-1), 0, 255).astype(np.uint8)


def write(name: str, panels: Sequence[Any]) -> None:
    """Write the panels side by side, all of one height."""
    height = min(round(PANEL * panel.shape[0] / panel.shape[1]) for panel in panels)
    widths = [round(height * panel.shape[1] / panel.shape[0]) for panel in panels]
    sheet = Image.new("RGB", (sum(widths) + GAP * (len(panels) - 1), height), "white")
    left = 0
    for panel, width in zip(panels, widths, strict=True):
        small = cv2.resize(np.ascontiguousarray(panel), (width, height), interpolation=cv2.INTER_AREA)
        sheet.paste(Image.fromarray(small), (left, 0))
        left += width + GAP
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.webp"
    sheet.save(path, quality=QUALITY, method=6)
    print(path.name, sheet.size, path.stat().st_size)


def main() -> None:
    cv2.setNumThreads(1)
    write("seen", seen())
    known = staged_coffee()
    panels, values = gate(known)
    print("gate: its own depth {:.2f}, mirrored {:.2f}".format(*values))
    write("gate", panels)
    write("crisp", crisped(known))
    layers = known.layers
    whole = _plain(layers.canvas, layers.canvas)
    write("surfaces", [_grey(known.upper), _grey(known.back)])
    write("layers", [whole, _grey(layers.matte / 255), _plain(layers.canvas, layers.background)])
    write("moved", moved(known))
    write("person", person())


if __name__ == "__main__":
    main()
