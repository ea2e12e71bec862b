"""Clips for tests, drawn from formulas and encoded as the service's are."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from stillmotion.domain.rendering import Frame, Rendering
from stillmotion.domain.request import FrameSize, VideoCodec
from stillmotion.media.output.encoder import OPTIONS, encode

SIZE = FrameSize(320, 180)


def frame_of(luma: np.ndarray, blue: int = 128, red: int = 128) -> Frame:
    """A frame with the given luma (height × width, any numbers) and one colour."""
    height, width = luma.shape
    quarter = height * width // 4
    y = np.clip(np.rint(luma), 16, 235).astype(np.uint8).reshape(-1)
    chroma = [np.full(quarter, value, np.uint8) for value in (blue, red)]
    return Frame(width, height, np.concatenate([y, *chroma]))


def luma_of(frame: Frame) -> np.ndarray:
    whole = np.frombuffer(frame.planes, np.uint8)[: frame.width * frame.height]
    return whole.reshape(frame.height, frame.width).astype(float)


def texture(size: FrameSize = SIZE, shift: float = 0.0) -> np.ndarray:
    x, y = np.arange(size.width)[None, :] + shift, np.arange(size.height)[:, None]
    return 120 + 40 * np.sin(x / 9) * np.cos(y / 7) + 30 * np.sin((x + 2 * y) / 23)


def zoom(index: int, size: FrameSize = SIZE) -> np.ndarray:
    """Grain that is enlarged by half a hundredth a frame, as in a push in."""
    grain = Image.fromarray(np.random.default_rng(7).integers(16, 236, (size.height, size.width), np.uint8))
    near = 1 + index * 0.005
    box = (0, 0, size.width / near, size.height / near)
    return np.asarray(grain.resize((size.width, size.height), Image.Resampling.BICUBIC, box)).astype(float)


def disc(at: float, size: FrameSize = SIZE) -> np.ndarray:
    """Grey with a bright disc at half the height. `at` is its place as a fraction of the width."""
    x, y = np.arange(size.width)[None, :], np.arange(size.height)[:, None]
    away = np.hypot(x - at * size.width, y - size.height / 2)
    return 60 + 150 * np.clip((size.height * 0.2 - away) / 2, 0, 1)


def write_clip(
    path: Path,
    draw: Callable[[int], np.ndarray],
    count: int = 24,
    size: FrameSize = SIZE,
    codec: VideoCodec = VideoCodec.H264,
) -> Path:
    """A clip of `count` frames, with luma from `draw`."""
    frames = (frame_of(draw(index)) for index in range(count))
    encode(Rendering(size, 24, count, frames, "{}"), path, OPTIONS[codec])
    return path
