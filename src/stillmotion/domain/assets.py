"""Assets: the stored files of a generation, and their keys in object storage."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class AssetKind(StrEnum):
    """The files of a completed generation: the clip, its thumbnail, and small forms of both for grids."""

    VIDEO = "video"
    THUMBNAIL = "thumbnail"
    POSTER = "poster"
    PREVIEW_VIDEO = "preview_video"

    @property
    def suffix(self) -> str:
        """End of an object's key."""
        return ".mp4" if self in (AssetKind.VIDEO, AssetKind.PREVIEW_VIDEO) else ".jpg"


CONTENT_TYPES: Mapping[AssetKind, str] = {
    each: "video/mp4" if each.suffix == ".mp4" else "image/jpeg" for each in AssetKind
}


RESULTS, INPUTS = "generations", "inputs"
"""Folders of object storage with a subfolder for each generation."""


PREVIEW_SUFFIX = ".preview.jpg"
"""End of a preview's key. A preview is the one object that is replaced: a URL of it that stays shows an old one."""


def folders_of(generation_id: str) -> tuple[str, str]:
    """Folders with all objects of one generation."""
    return f"{RESULTS}/{generation_id}", f"{INPUTS}/{generation_id}"


def generation_of(key: str) -> str:
    """Id of the generation whose folder holds the object; empty for any other key."""
    folder, _, rest = key.partition("/")
    return rest.partition("/")[0] if folder in (RESULTS, INPUTS) else ""


class Asset(NamedTuple):
    """A stored object: its key, its size in bytes, and the SHA-256 of its bytes in hex."""

    kind: AssetKind
    key: str
    size: int
    digest: str


class Assets(NamedTuple):
    """The complete result of a generation. Those of earlier versions have no `poster` and no `preview_video`."""

    video: Asset
    thumbnail: Asset
    poster: Asset | None = None
    preview_video: Asset | None = None

    @property
    def keys(self) -> list[str]:
        """Keys of all its objects."""
        return [each.key for each in self if each is not None]
