"""Recognition of cameras' raw photographs, many of which look like TIFF files."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Read = Callable[[int, int], bytes]
"""Reads bytes by offset and count; fewer at the end of the file."""

_MOST_DIRECTORIES = 32
_MOST_ENTRIES = 512

_SUBFILE, _COMPRESSION, _PHOTOMETRIC, _MAKE, _SUB_DIRECTORIES, _DNG_VERSION = 254, 259, 262, 271, 330, 50706
"""Tags of TIFF 6, of its supplement, and of Adobe's DNG."""
_WIDTHS: Mapping[int, int] = {1: 1, 2: 1, 3: 2, 4: 4, 13: 4, 16: 8, 18: 8}
"""Bytes of a value, by its TIFF type."""

_MOSAIC = frozenset({32803, 34892})
"""Photometric interpretations: a sensor's mosaic, and the same before it is developed (DNG)."""
_CAMERAS_OWN = frozenset({262, 32767, 32769, 32770, 34713, 65000, 65535})
"""Compressions of Kodak, Sony, packed sensors, Samsung, Nikon, Kodak and Pentax."""

_MAKERS: Mapping[bytes, str] = {
    b"nikon": "Nikon NEF",
    b"sony": "Sony ARW",
    b"canon": "Canon CR2",
    b"pentax": "Pentax PEF",
    b"ricoh": "Pentax PEF",
    b"samsung": "Samsung SRW",
    b"hasselblad": "Hasselblad 3FR",
    b"phase one": "Phase One IIQ",
    b"olympus": "Olympus ORF",
    b"om digital": "Olympus ORF",
    b"panasonic": "Panasonic RW2",
    b"leica": "Leica RWL",
    b"fujifilm": "Fujifilm RAF",
    b"kodak": "Kodak DCR",
    b"eastman kodak": "Kodak DCR",
    b"epson": "Epson ERF",
    b"seiko epson": "Epson ERF",
    b"mamiya": "Mamiya MEF",
    b"leaf": "Leaf MOS",
    b"minolta": "Minolta MRW",
    b"sigma": "Sigma X3F",
    b"casio": "Casio RAW",
}

_STARTS = (
    (b"IIRO", "Olympus ORF"),
    (b"IIRS", "Olympus ORF"),
    (b"MMOR", "Olympus ORF"),
    (b"IIU\0", "Panasonic RW2"),
    (b"FUJIFILMCCD-RAW", "Fujifilm RAF"),
    (b"II\x1a\0\0\0HEAPCCDR", "Canon CRW"),
    (b"FOVb", "Sigma X3F"),
    (b"\0MRM", "Minolta MRW"),
)


@dataclass(slots=True)
class _Directory:
    """One image file directory: the tags that tell a raw photograph, as numbers or bytes of text."""

    tags: dict[int, Any]
    following: int

    def of(self, tag: int) -> tuple[int, ...]:
        found = self.tags.get(tag, ())
        return found if isinstance(found, tuple) else ()


def raw_photograph(read: Read) -> str | None:
    """Kind of a raw photograph, such as `Nikon NEF`; None for any other file."""
    head = read(0, 16)
    for start, name in _STARTS:
        if head.startswith(start):
            return name
    if head[4:12] == b"ftypcrx ":
        return "Canon CR3"
    if head[8:11] == b"CR\x02":
        return "Canon CR2"
    if head[8:12] == b"IIII":
        return "Phase One IIQ"
    maker = ""
    for directory in _directories(read, head):
        if _DNG_VERSION in directory.tags:
            return "DNG"
        maker = maker or _maker(directory.tags.get(_MAKE, b""))
        if _is_a_sensors(directory):
            return maker or "DNG"
        is_thumbnail = any(value & 1 for value in directory.of(_SUBFILE))
        if is_thumbnail and maker and _SUB_DIRECTORIES in directory.tags:
            return maker
    return None


def _is_a_sensors(directory: _Directory) -> bool:
    return not (_MOSAIC.isdisjoint(directory.of(_PHOTOMETRIC)) and _CAMERAS_OWN.isdisjoint(directory.of(_COMPRESSION)))


def _maker(make: object) -> str:
    name = make.strip(b"\0 ").lower() if isinstance(make, bytes) else b""
    return next((kind for start, kind in _MAKERS.items() if name.startswith(start)), "")


def _directories(read: Read, head: bytes) -> Iterator[_Directory]:
    """Directories of a TIFF file, nested ones included. Loops and long chains are cut off."""
    if head[:4] not in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}:
        return
    order = "little" if head[:2] == b"II" else "big"
    layout = _Layout(read, order, is_big=head[2:4] in {b"+\0", b"\0+"})
    ahead, seen = [layout.number(head[8:16] if layout.is_big else head[4:8])], set[int]()
    while ahead and len(seen) < _MOST_DIRECTORIES:
        at = ahead.pop(0)
        if at == 0 or at in seen:
            continue
        seen.add(at)
        directory = layout.directory(at)
        yield directory
        ahead += [*directory.of(_SUB_DIRECTORIES), directory.following]


@dataclass(frozen=True, slots=True)
class _Layout:
    """Layout of numbers in the file: byte order, and eight-byte offsets for BigTIFF."""

    read: Read
    order: Any
    is_big: bool

    def number(self, content: bytes) -> int:
        return int.from_bytes(content, self.order)

    def directory(self, at: int) -> _Directory:
        counted, entry, place = (8, 20, 8) if self.is_big else (2, 12, 4)
        count = min(self.number(self.read(at, counted)), _MOST_ENTRIES)
        content = self.read(at + counted, count * entry + place)
        tags = {}
        for start in range(0, min(len(content), count * entry), entry):
            each = content[start : start + entry]
            tag = self.number(each[:2])
            if tag in {_SUBFILE, _COMPRESSION, _PHOTOMETRIC, _MAKE, _SUB_DIRECTORIES, _DNG_VERSION}:
                tags[tag] = self._values(each, place)
        return _Directory(tags, self.number(content[count * entry : count * entry + place]))

    def _values(self, entry: bytes, place: int) -> Any:
        kind, count = self.number(entry[2:4]), min(self.number(entry[4 : 4 + place]), 64)
        width = _WIDTHS.get(kind, 1)
        inside = entry[4 + place :]
        content = inside[: width * count] if width * count <= place else self.read(self.number(inside), width * count)
        if kind == 2:
            return content
        return tuple(self.number(content[start : start + width]) for start in range(0, len(content), width))
