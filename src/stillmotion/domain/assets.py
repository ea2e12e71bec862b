"""What a finished generation leaves behind."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class AssetKind(StrEnum):
    """The two things every completed generation has."""

    VIDEO = "video"
    THUMBNAIL = "thumbnail"


CONTENT_TYPES: Mapping[AssetKind, str] = {AssetKind.VIDEO: "video/mp4", AssetKind.THUMBNAIL: "image/jpeg"}


@dataclass(frozen=True, slots=True)
class Asset:
    """An object in storage: its key, its size in bytes, the SHA-256 of its bytes in hex."""

    kind: AssetKind
    key: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Assets:
    """A whole result."""

    video: Asset
    thumbnail: Asset
