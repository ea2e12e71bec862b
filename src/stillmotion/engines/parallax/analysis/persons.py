"""The person that a clip is about: one of the faces, and the part of the mask that belongs to it."""

from dataclasses import dataclass

import cv2
import numpy as np

from stillmotion.engines.parallax.analysis.scene import Scene
from stillmotion.vision.faces import Box
from stillmotion.vision.persons import PERSON_GATE, certainty
from stillmotion.vision.resize import Grid

BODY = 0.5
"""Probability above which cells that touch are one body, or several who touch."""
SOFT_EDGE = 0.012
"""Reach of a body's soft edge, as a fraction of the mask's longer side."""
OF_NOTE = 0.35
"""Least area of a face that may be meant, relative to the largest."""


@dataclass(frozen=True, slots=True)
class Person:
    """A person, or several who touch, cut out of the picture.

    `mask` is a probability over the whole picture; `face` is the face of the one who is meant. `certainty` is the
    mask's.
    """

    mask: Grid
    face: Box
    certainty: float


def person_meant(scene: Scene, place: str | None) -> Person | None:
    """The person at a place (`language.places.PLACES`), or the one nearest the middle; None if no mask is certain.

    Those who touch cannot be told apart: they are one, and as certain as the least certain of them.
    """
    if scene.people is None or scene.is_flat_art or not scene.faces:
        return None
    face = _meant(scene.faces, place)
    body = _body(scene.people, face)
    if body is None:
        return None
    mask = scene.people * body
    sure = min(certainty(mask, other) for other in scene.faces if other is face or _is_in(other, body))
    return Person(mask, face, sure) if sure >= PERSON_GATE else None


def everybody(scene: Scene) -> Person | None:
    """All people with a face as one, for a camera that moves around them; None if a mask is not certain."""
    if scene.people is None or scene.is_flat_art or not scene.faces:
        return None
    bodies = [body for face in scene.faces if (body := _body(scene.people, face)) is not None]
    if len(bodies) < len(scene.faces):
        return None
    mask = scene.people * np.max(bodies, axis=0)
    sure = min(certainty(mask, face) for face in scene.faces)
    return Person(mask, _meant(scene.faces, None), sure) if sure >= PERSON_GATE else None


def _meant(faces: tuple[Box, ...], place: str | None) -> Box:
    large = [face for face in faces if face.area >= OF_NOTE * faces[0].area]
    match place:
        case "left":
            return min(large, key=lambda face: face.centre[0])
        case "right":
            return max(large, key=lambda face: face.centre[0])
        case "front":
            return faces[0]
        case "back":
            return faces[-1]
        case _:
            return min(large, key=lambda face: abs(face.centre[0] - 0.5))


def _body(mask: Grid, face: Box) -> Grid | None:
    """Weight of the cells that hang together with a face: 1, and 0 beyond their soft edge. None if there are none."""
    height, width = mask.shape
    labels = cv2.connectedComponents((mask > BODY).astype(np.uint8), connectivity=4)[1]
    inside = labels[_rows(face.top, face.bottom, height), _rows(face.left, face.right, width)]
    if not inside.any():
        return None
    label = int(np.argmax(np.bincount(inside[inside > 0])))
    reach = 2 * max(1, round(SOFT_EDGE * max(height, width))) + 1
    grown = cv2.dilate((labels == label).astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    # The soft edge of one body ends where another begins.
    return np.asarray((grown > 0) & ((labels == label) | (labels == 0)), np.float32)


def _is_in(face: Box, body: Grid) -> bool:
    """True if most of a face belongs to a body."""
    height, width = body.shape
    part = body[_rows(face.top, face.bottom, height), _rows(face.left, face.right, width)]
    return bool(part.size) and float(part.mean()) > BODY


def _rows(first: float, end: float, count: int) -> slice:
    """The cells of a side between two fractions of it, at least one of them inside."""
    start = min(max(0, round(first * count)), count - 1)
    return slice(start, max(start + 1, min(count, round(end * count))))
