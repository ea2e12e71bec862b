"""The rest of the picture: sky, ridges, haze, defocus, exposure, noise, JPEG."""

from typing import Any

import cv2
import numpy as np

from tools.depth.raycast import FAR, Stage, dot
from tools.depth.textures import FIELDS, SIDE, Draw, field

SKIES = (
    ((0.75, 0.85, 0.95), (0.25, 0.45, 0.8)),
    ((0.85, 0.88, 0.92), (0.55, 0.68, 0.85)),
    ((0.92, 0.92, 0.92), (0.75, 0.77, 0.8)),
    ((0.98, 0.7, 0.4), (0.35, 0.4, 0.65)),
    ((0.95, 0.55, 0.45), (0.35, 0.25, 0.55)),
    ((0.5, 0.53, 0.58), (0.3, 0.33, 0.4)),
    ((0.1, 0.14, 0.25), (0.02, 0.03, 0.1)),
    ((0.05, 0.05, 0.06), (0.0, 0.0, 0.01)),
)
"""Skies, RGB at the horizon and above: clear, pale, overcast, sunset, dusk, storm, blue hour, night."""


def sky(stage: Stage, draw: Draw, kind: int) -> Any:
    """Draw the sky where nothing else is; the colour at the horizon."""
    low, high = (np.array(one, np.float32) * draw.uniform(0.85, 1.1, 3).astype(np.float32) for one in SKIES[kind])
    open_ = stage.distance >= FAR
    rays = stage.camera.rays
    up = rays[..., 1] / np.sqrt(dot(rays, rays))
    rise = np.clip(up / draw.uniform(0.2, 0.8), 0, 1)[..., None] ** 0.7
    colour = low * (1 - rise) + high * rise
    if draw.random() < 0.6:
        flat = np.maximum(up, 0) + draw.uniform(0.08, 0.3)
        scale = draw.uniform(8, 60)
        x, y = (rays[..., 0] / flat * scale).astype(np.float32), (rays[..., 2] / flat * scale * 0.7).astype(np.float32)
        cover = cv2.remap(field(int(draw.integers(FIELDS))), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        cover = np.clip((cover - draw.uniform(0.2, 0.7)) * draw.uniform(1, 4), 0, 1)[..., None]
        white = np.clip(low * draw.uniform(0.6, 1.2) + draw.uniform(0, 0.15), 0, 1)
        colour = colour * (1 - 0.9 * cover) + 0.9 * cover * (white - 0.15 * cover**2)
    if draw.random() < 0.3:
        middle = stage.camera.at(draw.random(), draw.uniform(0, 0.6), 1.0) - stage.camera.eye
        near = (rays @ middle) / np.sqrt(dot(rays, rays)) / np.linalg.norm(middle)
        glow = (
            np.exp((near - 1) * draw.uniform(20, 400))[..., None]
            + 2.0 * (near > 1 - draw.uniform(0.0002, 0.002))[..., None]
        )
        colour = colour + glow * np.array([1.0, 0.9, 0.7], np.float32) * draw.uniform(0.2, 1)
    stage.colour[open_] = colour[open_]
    return low


def ridge(stage: Stage, draw: Draw, distance: float, height: float, skin: Any) -> None:
    """A chain of hills or mountains across the picture, its crest at most `height` (a tangent) above the eye."""
    rays = stage.camera.rays
    angle, rise = rays[..., 0] / rays[..., 2].clip(0.2), rays[..., 1] / rays[..., 2].clip(0.2)
    crest = field(int(draw.integers(FIELDS)))[draw.integers(SIDE)]
    top = np.interp(angle, np.linspace(-1.5, 1.5, SIDE), crest) * height
    below = np.clip((top - rise) / max(height, 1e-3), 0, 3)
    far = distance * (1 - 0.25 * np.clip(below, 0, 1))
    inside = (rise < top) & (stage.distance > far) & (rays[..., 2] > 0.2)
    relief = field(int(draw.integers(FIELDS)))
    slope = np.gradient(relief, axis=1) * draw.uniform(4, 14) + 0.8
    rows = ((below * 0.3 + 0.05 * np.sin(angle * 5)) * 256).astype(int) % 256
    columns = ((angle + 1.5) / 3 * 256).astype(int) % 256
    colour = skin.texture.at(angle * 3, below, 0.02 * np.ones_like(angle)) * skin.tint
    shaded = colour * np.clip(slope[rows, columns], 0.2, 1.5)[..., None]
    stage.distance[inside] = far[inside]
    stage.colour[inside] = shaded[inside]


def hazed(stage: Stage, colour: Any, reach: float) -> None:
    """Mix in the air's colour with distance."""
    land = stage.distance < FAR
    share = (1 - np.exp(-stage.distance[land] / reach))[:, None]
    stage.colour[land] = stage.colour[land] * (1 - share) + np.asarray(colour) * share


def defocused(image: Any, disparity: Any, focus: float, strength: float) -> Any:
    """The picture blurred by a lens focused at a disparity; `strength` is the radius in pixels per unit of it."""
    radius = np.abs(disparity - focus) * strength
    levels = [image]
    sizes = (1.5, 3.0, 6.0, 12.0)
    for size in sizes:
        if size > 2 * radius.max() + 1.5:
            break
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(size) + 1,) * 2).astype(np.float32)
        levels.append(cv2.filter2D(np.minimum(image, 2.5), -1, disc / disc.sum(), borderType=cv2.BORDER_REFLECT))
    known = (0.0, *sizes)[: len(levels)]
    # The blur's own extent is soft, as a near blurred thing covers what is behind its outline.
    radius = cv2.GaussianBlur(radius, (0, 0), 1.5)
    out = levels[0].copy()
    for at in range(1, len(levels)):
        share = np.clip((radius - known[at - 1]) / (known[at] - known[at - 1]), 0, 1)[..., None]
        out = out * (1 - share) + levels[at] * share
    return out


def developed(image: Any, draw: Draw) -> Any:
    """8-bit RGB as a camera, an editor and a file leave it: exposure, cast, contrast, vignette, noise, JPEG."""
    image = np.clip(image, 0, 4)
    goal = draw.uniform(0.3, 0.62)
    image = image * (goal / max(float(np.median(image.mean(2))), 0.08)) ** draw.uniform(0.4, 1)
    image = image * (1 + draw.normal(0, 0.06, 3))
    image = np.clip(image, 0, None) ** draw.uniform(0.7, 1.2)
    bright = image > 0.85
    image = np.where(bright, 0.85 + 0.15 * np.tanh((image - 0.85) / 0.15), image)
    grey = image.mean(2, keepdims=True)
    colourful = 0.0 if draw.random() < 0.08 else draw.uniform(0.5, 1.25)
    image = grey + (image - grey) * colourful
    height, width = image.shape[:2]
    if draw.random() < 0.3:
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        image = image * (1 - draw.uniform(0.1, 0.5) * (x * x + y * y) / 2)[..., None]
    image = image + draw.normal(0, draw.uniform(0, 0.03), image.shape)
    eight = (np.clip(image, 0, 1) * 255).round().astype(np.uint8)
    if draw.random() < 0.5:
        quality = int(draw.integers(30, 95))
        eight = cv2.imdecode(cv2.imencode(".jpg", eight, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
    return np.ascontiguousarray(eight)
