"""What a finished generation leaves behind."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class AssetKind(StrEnum):
    """The two things every completed generation has."""

    VIDEO = "video"
    THUMBNAIL = "thumbnail"


CONTENT_TYPES: Mapping[AssetKind, str] = {AssetKind.VIDEO: "video/mp4", AssetKind.THUMBNAIL: "image/jpeg"}


RESULTS, INPUTS = "generations", "inputs"
"""The folders of object storage in which each generation has one of its own."""


def folders_of(generation_id: str) -> tuple[str, str]:
    """Where in object storage everything lies that belongs to one generation."""
    return f"{RESULTS}/{generation_id}", f"{INPUTS}/{generation_id}"


def generation_of(key: str) -> str:
    """The id of the generation in whose folder an object lies; empty for a key that lies in none."""
    folder, _, rest = key.partition("/")
    return rest.partition("/")[0] if folder in (RESULTS, INPUTS) else ""


class Asset(NamedTuple):
    """An object in storage: its key, its size in bytes, the SHA-256 of its bytes in hex."""

    kind: AssetKind
    key: str
    size: int
    digest: str


class Assets(NamedTuple):
    """A whole result."""

    video: Asset
    thumbnail: Asset
