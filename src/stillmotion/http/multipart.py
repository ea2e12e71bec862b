"""Forms with files in them: multipart/form-data (RFC 7578), taken apart as they come."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from stillmotion.domain.pictures import MAX_PICTURE_BYTES

FORM_TYPE = b"multipart/form-data"

FORM_CAP = MAX_PICTURE_BYTES + 128 * 1024
"""Bytes of a form with one picture in it, and what stands around it."""

TEXT_CAP = 64 * 1024
"""Bytes of all the fields of a form that are no files."""

MAX_PARTS = 20
MAX_PART_HEADERS = 8
MAX_PART_HEADER_BYTES = 1024

_DISPOSITION, _TYPE = b"content-disposition", b"content-type"
_FILE_TYPES = (b"image/", b"application/octet-stream")
"""What a part without a file name is taken for a file by."""


class BadForm(ValueError):
    """A form that cannot be read, and which of its fields is to blame."""

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
        """The text as a JSON object would hold it: `a[b]` is the field `b` of the object `a`. Raises `BadForm`."""
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
        """The same bytes for the same fields, whatever was between them."""
        pieces = [(name, text.encode()) for name, text in sorted(self.texts.items())] + sorted(self.files.items())
        return b"".join(b"%b %d\n%b\n" % (name.encode(), len(content), content) for name, content in pieces)


def boundary_of(content_type: bytes) -> bytes | None:
    """What stands between the parts; None where the type is not a form's, empty where it does not say."""
    if content_type.partition(b";")[0].strip().lower() != FORM_TYPE:
        return None
    _, options = parse_options_header(content_type)
    return options.get(b"boundary", b"")


class FormParser:
    """Takes one form's bytes in pieces. Every method raises `BadForm`."""

    def __init__(self, boundary: bytes) -> None:
        self._texts: dict[str, str] = {}
        self._files: dict[str, bytes] = {}
        self._parts = 0
        self._text_bytes = 0
        self._header = (bytearray(), bytearray())
        self._headers: dict[bytes, bytes] = {}
        self._name = ""
        self._is_file = False
        self._content = bytearray()
        self._has_ended = False
        if not boundary:
            raise BadForm("body", "must name the boundary of its parts in its Content-Type")
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
                    "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_headers,
                    "on_part_data": self._take,
                    "on_part_end": self._end,
                    "on_end": self._end_all,
                },
                max_header_count=MAX_PART_HEADERS,
                max_header_size=MAX_PART_HEADER_BYTES,
            )
        except FormParserError:
            raise BadForm("body", "must have a shorter boundary between its parts") from None
        # Its warnings hold nothing that the refusals do not, and anybody can cause them.
        self._parser.logger = logging.Logger("multipart", logging.CRITICAL + 1)

    def write(self, piece: bytes) -> None:
        """Take the next piece."""
        try:
            self._parser.write(piece)
        except FormParserError:
            raise BadForm("body", "must be a form as multipart/form-data writes it (RFC 7578)") from None

    def form(self) -> Form:
        """The whole form, once everything was written."""
        if not self._has_ended:
            raise BadForm("body", "ends before its last boundary: send the whole form")
        return Form(self._texts, self._files)

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise BadForm("body", f"must have no more than {MAX_PARTS} fields")
        self._headers = {}
        self._content = bytearray()

    def _end_header(self) -> None:
        name, value = (bytes(each) for each in self._header)
        self._header = (bytearray(), bytearray())
        self._headers[name.lower()] = value

    def _end_headers(self) -> None:
        kind, options = parse_options_header(self._headers.get(_DISPOSITION))
        name = options.get(b"name")
        if kind != b"form-data" or not name:
            raise BadForm("body", 'must name each part: Content-Disposition: form-data; name="…"')
        self._name = _text("body", name)
        self._is_file = b"filename" in options or self._headers.get(_TYPE, b"").lower().startswith(_FILE_TYPES)
        if self._name in self._texts or self._name in self._files:
            raise BadForm(self._name, "stands twice")

    def _take(self, data: bytes, start: int, end: int) -> None:
        self._content += data[start:end]
        if self._is_file:
            if len(self._content) > MAX_PICTURE_BYTES:
                raise BadForm(self._name, f"holds more than {MAX_PICTURE_BYTES >> 20} MiB; make it smaller")
        else:
            self._text_bytes += end - start
            if self._text_bytes > TEXT_CAP:
                raise BadForm(self._name, f"makes the text of the form longer than {TEXT_CAP} bytes; shorten it")

    def _end(self) -> None:
        if self._is_file:
            self._files[self._name] = bytes(self._content)
        else:
            self._texts[self._name] = _text(self._name, bytes(self._content))
        self._content = bytearray()

    def _end_all(self) -> None:
        self._has_ended = True


def _text(field: str, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise BadForm(field, "must be text in UTF-8") from None
