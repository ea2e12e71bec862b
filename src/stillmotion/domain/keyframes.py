"""What a clip starts or ends with: a picture at a URL, a stored upload, or an earlier generation."""

from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class ImageKeyframe:
    """A picture to be fetched from an address that the caller gave."""

    url: str
    key: ClassVar[None] = None
    id: ClassVar[None] = None


@dataclass(frozen=True, slots=True)
class InlineKeyframe:
    """A picture that came with the request itself (a data URI): the file's bytes, not yet kept anywhere."""

    content: bytes = field(repr=False)
    url: ClassVar[None] = None
    key: ClassVar[None] = None
    id: ClassVar[None] = None


@dataclass(frozen=True, slots=True)
class StoredKeyframe:
    """A picture we hold already (an upload, or a data URI of the request), by its object key."""

    key: str
    url: ClassVar[None] = None
    id: ClassVar[None] = None


@dataclass(frozen=True, slots=True)
class GenerationKeyframe:
    """The last frame (as frame0) or the first frame (as frame1) of an earlier generation."""

    id: str
    url: ClassVar[None] = None
    key: ClassVar[None] = None


Keyframe = ImageKeyframe | InlineKeyframe | StoredKeyframe | GenerationKeyframe
