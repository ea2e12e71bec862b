"""What a finished generation leaves behind."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class AssetKind(StrEnum):
    """The two things every completed generation has."""

    VIDEO = "video"
    THUMBNAIL = "thumbnail"


CONTENT_TYPES: Mapping[AssetKind, str] = {AssetKind.VIDEO: "video/mp4", AssetKind.THUMBNAIL: "image/jpeg"}


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
