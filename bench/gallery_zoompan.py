"""FFmpeg's zoompan over an enlarged picture, as people make clips of stills without an engine."""

import json
from enum import StrEnum
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.filter import Graph

from bench.engine_cost import UPSCALED
from stillmotion.domain.rendering import Frame, Picture, Rendering
from stillmotion.domain.request import FrameSize
from stillmotion.media.output.encoder import encode

FPS = 24
ZOOM = 1.22
"""Zoom at a push's end, and of a whole pan."""


class Pan(StrEnum):
    """Way of the crop through the picture."""

    IN = "in"
    OUT = "out"
    LEFT = "left"
    RIGHT = "right"
    UP = "up"
    DOWN = "down"


def pan_of(plan: str) -> Pan:
    """The way that is nearest to an engine's plan: sideways, upright, out, or else in."""
    words = " ".join(move for together in json.loads(plan)["moves"] for move in together)
    for pan in (Pan.LEFT, Pan.RIGHT, Pan.UP, Pan.DOWN, Pan.OUT):
        if f"_{pan.value}" in words:
            return pan
    return Pan.IN


def write_zoompan(picture: Picture, size: FrameSize, pan: Pan, seconds: float, path: Path) -> None:
    """Write the clip. The picture is enlarged to `UPSCALED` pixels on its longer side, so whole pixels are small."""
    count = round(seconds * FPS)
    graph = Graph()
    source = graph.add_buffer(
        width=picture.width, height=picture.height, format=av.VideoFormat("rgb24"), time_base=Fraction(1, FPS)
    )
    longer = f"{UPSCALED}:-2" if picture.width >= picture.height else f"-2:{UPSCALED}"
    steps = (
        ("format", "yuv420p"),
        ("scale", f"{longer}:flags=bicubic:out_color_matrix=bt709:out_range=tv"),
        ("zoompan", f"{_way(pan, count)}:d={count}:s={size.width}x{size.height}:fps={FPS}"),
        ("buffersink", None),
    )
    last = source
    for name, arguments in steps:
        node = graph.add(name, arguments)
        last.link_to(node)
        last = node
    graph.configure()
    pixels = np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, 3)
    graph.push(av.VideoFrame.from_ndarray(pixels, format="rgb24"))
    frames = (_plain(graph, size) for _ in range(count))
    encode(Rendering(size, FPS, count, frames, "{}"), path)


def _plain(graph: Graph, size: FrameSize) -> Frame:
    drawn = graph.pull()
    assert isinstance(drawn, av.VideoFrame)
    return Frame(size.width, size.height, drawn.reformat(format="yuv420p").to_ndarray().reshape(-1))


def _way(pan: Pan, count: int) -> str:
    """Options of zoompan: a centred zoom, or a pan over the whole margin of a fixed one."""
    done, middle = f"on/{count - 1}", ("(iw-iw/zoom)/2", "(ih-ih/zoom)/2")
    growing = f"1+{ZOOM - 1:.2f}*"
    zoom = {Pan.IN: f"{growing}{done}", Pan.OUT: f"{growing}(1-{done})"}.get(pan, str(ZOOM))
    along = {Pan.RIGHT: done, Pan.DOWN: done, Pan.LEFT: f"(1-{done})", Pan.UP: f"(1-{done})"}.get(pan)
    x = f"(iw-iw/zoom)*{along}" if pan in (Pan.LEFT, Pan.RIGHT) else middle[0]
    y = f"(ih-ih/zoom)*{along}" if pan in (Pan.UP, Pan.DOWN) else middle[1]
    return f"z='{zoom}':x='{x}':y='{y}'"
