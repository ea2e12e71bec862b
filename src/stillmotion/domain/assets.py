"""Assets: the stored files of a generation, and their keys in object storage."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class AssetKind(StrEnum):
    """The two files of every completed generation."""

    VIDEO = "video"
    THUMBNAIL = "thumbnail"


CONTENT_TYPES: Mapping[AssetKind, str] = {AssetKind.VIDEO: "video/mp4", AssetKind.THUMBNAIL: "image/jpeg"}


RESULTS, INPUTS = "generations", "inputs"
"""Folders of object storage with a subfolder for each generation."""


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
    """The complete result of a generation."""

    video: Asset
    thumbnail: Asset
