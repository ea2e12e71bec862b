"""Forms with files: multipart/form-data (RFC 7578), parsed as the bytes arrive."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from stillmotion.domain.file_types.pictures import MAX_PICTURE_BYTES

FORM_TYPE = "multipart/form-data"

DATA_URI_CAP = 28 * 1024 * 1024
"""Bytes of a field that holds a picture in base64, with line breaks."""

FORM_CAP = DATA_URI_CAP + 128 * 1024
"""Bytes of a form with one picture and its other fields."""

TEXT_CAP = 64 * 1024
"""Bytes of all text fields of a form."""

MAX_PARTS = 20
MAX_PART_HEADERS = 8
MAX_PART_HEADER_BYTES = 1024

MAX_BOUNDARY = 200
"""Characters. RFC 2046 allows 70; some clients write longer ones."""

_FILE_TYPES = ("image/", "application/octet-stream")
"""Types of parts that are files even without a file name."""


_DATA_URI = re.compile(rb"\s*data:", re.IGNORECASE)
_START_BYTES = 64
_IN_UTF_8 = ("utf-8", "utf8", "us-ascii", "ascii")
_NO_TEXT = 'must be text in UTF-8, or a file with a filename="…" beside its name'
_NO_FORM = "must be a whole form as multipart/form-data writes it (RFC 7578)"


class BadForm(ValueError):
    """Raised for a form that cannot be read, with the field that is to blame."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Form:
    """A form's fields by name: text, and the bytes of files."""

    texts: Mapping[str, str]
    files: Mapping[str, bytes] = field(repr=False)

    @property
    def document(self) -> Mapping[str, object]:
        """The text fields as a JSON object: `a[b]` is the field `b` of the object `a`. Raises `BadForm`."""
        document: dict[str, object] = {}
        for name, text in self.texts.items():
            outer, opening, inner = name.partition("[")
            if not (opening and outer and inner.endswith("]")):
                holder, key = document, name
            else:
                found = document.setdefault(outer, {})
                holder, key = (found if isinstance(found, dict) else document), inner[:-1]
                if holder is document:
                    raise BadForm(outer, "stands twice: once as text, once with fields of its own")
            if key in holder:
                raise BadForm(name, "stands twice")
            holder[key] = text
        return document

    @property
    def content(self) -> bytes:
        """Canonical bytes of the fields: the same for two forms that differ in boundary or order only."""
        pieces = [(name, text.encode()) for name, text in sorted(self.texts.items())] + sorted(self.files.items())
        return b"".join(b"%b %d\n%b\n" % (name.encode(), len(content), content) for name, content in pieces)


def boundary_of(content_type: str) -> str | None:
    """The boundary between the parts; None for another type than a form's, empty if it is missing."""
    kind, options = parse_options_header(content_type)
    return options.get("boundary", "") if kind == FORM_TYPE else None


class FormParser:
    """Parser of one form, which takes its bytes in pieces. Every method raises `BadForm`."""

    def __init__(self, boundary: str) -> None:
        if not boundary:
            raise BadForm("body", "must name the boundary of its parts in its Content-Type")
        if len(boundary) > MAX_BOUNDARY:
            raise BadForm("body", "must have a shorter boundary between its parts")
        self._texts: dict[str, str] = {}
        self._files: dict[str, bytes] = {}
        self._names: set[str] = set()
        self._text_bytes = 0
        self._start = b""
        self._part: MultipartSegment | None = None
        self._is_file = False
        self._pieces: list[bytes] = []
        self._size = 0
        try:
            self._parser = PushMultipartParser(
                boundary, max_header_count=MAX_PART_HEADERS, max_header_size=MAX_PART_HEADER_BYTES
            )
        except MultipartError:
            raise BadForm("body", "must name the boundary of its parts in its Content-Type") from None

    def write(self, piece: bytes) -> None:
        """Parse the next piece."""
        if self._parser.closed or not piece:
            return  # Epilogue: bytes after the last boundary are ignored (RFC 2046, 5.1.1).
        try:
            for event in self._parser.parse(piece):
                if isinstance(event, MultipartSegment):
                    self._begin(event)
                elif event is None:
                    self._end()
                else:
                    self._take(bytes(event))
        except MultipartError:
            raise BadForm("body", _NO_FORM) from None

    def form(self) -> Form:
        """The whole form, once all pieces are parsed."""
        try:
            self._parser.close()
        except MultipartError:
            if self._names:
                raise BadForm("body", "ends before its last boundary: send the whole form") from None
            raise BadForm("body", _NO_FORM) from None
        return Form(self._texts, self._files)

    def _begin(self, part: MultipartSegment) -> None:
        if part.disposition != "form-data" or not part.name:
            raise BadForm("body", 'must name each part: Content-Disposition: form-data; name="…"')
        if len(self._names) >= MAX_PARTS:
            raise BadForm("body", f"must have no more than {MAX_PARTS} fields")
        if part.name in self._names:
            raise BadForm(part.name, "stands twice")
        if (part.charset or "utf-8").lower() not in _IN_UTF_8 and part.filename is None:
            raise BadForm(part.name, "must be text in UTF-8: leave charset out of its Content-Type")
        self._names.add(part.name)
        self._part = part
        self._is_file = part.filename is not None or (part.content_type or "").startswith(_FILE_TYPES)
        self._pieces, self._size, self._start = [], 0, b""

    def _take(self, piece: bytes) -> None:
        assert self._part is not None
        self._pieces.append(piece)
        self._size += len(piece)
        if self._is_file:
            if self._size > MAX_PICTURE_BYTES:
                raise BadForm(self._part.name, f"holds more than {MAX_PICTURE_BYTES >> 20} MiB; make it smaller")
            return
        self._start += piece[: _START_BYTES - len(self._start)]
        if self._size > _START_BYTES and _DATA_URI.match(self._start):
            if self._size > DATA_URI_CAP:
                raise BadForm(self._part.name, f"holds more than {DATA_URI_CAP >> 20} MiB; make it smaller")
            return
        self._text_bytes += len(piece)
        if self._text_bytes > TEXT_CAP:
            raise BadForm(self._part.name, f"makes the text of the form longer than {TEXT_CAP} bytes; shorten it")

    def _end(self) -> None:
        assert self._part is not None
        name, content = self._part.name, b"".join(self._pieces)
        self._pieces = []
        if not self._is_file:
            try:
                self._texts[name] = content.decode("utf-8")
            except UnicodeDecodeError:
                raise BadForm(name, _NO_TEXT) from None
        elif content or self._part.filename:
            self._files[name] = content
        # Browsers send an empty file field as a file without a name and without bytes: that is no file.
