"""Pictures from folders that the caller names, beside those that are always at hand."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bench.engine_depth import motorcycle_depth
from bench.engine_photos import BACKGROUNDS, PHOTOS, grey, photo, photo_file
from stillmotion.domain.rendering import DepthMap, Picture
from stillmotion.media.input.depth_images import decode_depth
from stillmotion.media.input.pictures import decode

KINDS = frozenset({".jpg", ".jpeg", ".png", ".webp"})
DRAWN = "Blinds.jpg"
"""A picture of mate-backgrounds among its photographs that is none."""
FACES = "faces.json"
"""The list of faces beside a folder's pictures: file → [[x, y], …], each face's middle in fractions of the sides.

`null` is for a picture with people whose faces are turned away: it is left out wherever people matter. An entry may be
an object of `faces` and `mask`: false where segmentation does not cut the people out well, null where that is a matter
of taste. A picture of a folder of photographs that has no entry shows nobody.
"""
Middles = Sequence[Sequence[float]]
OF_THE_WHEEL: Mapping[str, Any] = {"astronaut": [[0.44, 0.18]], "camera": None}
"""The same for the pictures that are always at hand."""
PRINT = 12
"""Side of the small copy by which a picture is known again."""
SAME = 3.0
"""Largest mean difference of two such copies of one picture, in steps of 255."""


@dataclass(frozen=True)
class AtHand:
    """The folders of a run; without them, what scikit-image and mate-backgrounds bring."""

    views: Path | None = None
    depths: Path | None = None
    people: Path | None = None
    photos: Sequence[Path] = ()

    def photographs(self) -> "list[FacedPhoto]":
        """See `photographs`."""
        return photographs(self.photos)

    def portraits(self) -> "list[FacedPhoto]":
        """See `portraits`."""
        return portraits(self.people)


@dataclass(frozen=True)
class KnownDepth:
    """A picture with a depth that somebody gave."""

    name: str
    picture: Picture
    depth: DepthMap


@dataclass(frozen=True)
class FacedPhoto:
    """A photograph and the middles of its faces, x and y in fractions; None for people with no face to see.

    `cuts_out` says whether segmentation cuts its people out well; None where that is a matter of taste.
    """

    name: str
    file: Path
    faces: Middles | None
    cuts_out: bool | None = True

    @classmethod
    def listed(cls, name: str, file: Path, entry: Any) -> "FacedPhoto":
        """The photograph with its entry in a list of faces."""
        if isinstance(entry, dict):
            return cls(name, file, entry["faces"], entry["mask"])
        return cls(name, file, entry)

    @property
    def picture(self) -> Picture:
        """The decoded picture, anew each time: all of them at once would not fit into memory."""
        return decode(self.file)


def known_depths(folder: Path | None) -> Iterator[KnownDepth]:
    """The motorcycle with its measured disparity, then each `NAME.jpg` that has a `NAME.near.png` (bright is near)."""
    yield KnownDepth("motorcycle", photo("motorcycle_left"), motorcycle_depth())
    for path in sorted(folder.glob("*.near.png")) if folder else ():
        name = path.name.removesuffix(".near.png")
        yield KnownDepth(name, decode(path.with_name(f"{name}.jpg")), decode_depth(path))


def photographs(folders: Sequence[Path]) -> list[FacedPhoto]:
    """The photographs that are always at hand, then those of the folders; a picture seen before is left out."""
    found: list[FacedPhoto] = []
    prints: list[np.ndarray] = []
    for candidate in _candidates(folders):
        mark = _print(candidate.picture)
        if all(np.abs(mark - other).mean() > SAME for other in prints):
            prints.append(mark)
            found.append(candidate)
    return found


def _candidates(folders: Sequence[Path]) -> Iterator[FacedPhoto]:
    for name in PHOTOS:
        yield FacedPhoto.listed(name, photo_file(name), OF_THE_WHEEL.get(name, ()))
    for folder in (BACKGROUNDS, *folders):
        listed = _listed(folder)
        for path in _pictures(folder):
            yield FacedPhoto.listed(path.stem, path, listed.get(path.name, ()))


def portraits(folder: Path | None) -> list[FacedPhoto]:
    """The astronaut, then the pictures that the folder's list of faces names."""
    found = [FacedPhoto.listed("astronaut", photo_file("astronaut"), OF_THE_WHEEL["astronaut"])]
    if folder is None:
        return found
    listed = _listed(folder)
    if not listed:
        raise FileNotFoundError(f"{folder / FACES} is missing: it says where the faces are")
    wheel = _print(found[0].picture)
    named = [path for path in _pictures(folder) if path.name in listed]
    others = [path for path in named if np.abs(_print(decode(path)) - wheel).mean() > SAME]
    return [*found, *(FacedPhoto.listed(path.stem, path, listed[path.name]) for path in others)]


def _pictures(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.glob("*") if path.suffix.lower() in KINDS)
    return [path for path in files if path.name != DRAWN and not path.name.endswith(".near.png")]


def _listed(folder: Path) -> Mapping[str, Any]:
    file = folder / FACES
    return dict(json.loads(file.read_text("utf-8"))) if file.exists() else {}


def _print(picture: Picture) -> np.ndarray:
    return np.asarray(cv2.resize(grey(picture), (PRINT, PRINT), interpolation=cv2.INTER_AREA))
