"""From a request's body to the wire struct of its operation, or a list of everything that is wrong with it."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec

from stillmotion.domain.errors import InvalidRequest, Problem
from stillmotion.http import strict_json
from stillmotion.http.multipart import BadForm, Form

Wire = TypeVar("Wire", bound=msgspec.Struct)

MAX_PROBLEMS = 20
NAME_SHOWN = 100
"""How much of an unknown field's name is repeated to its sender, in characters."""


class WireDecoder(Generic[Wire]):
    """Decodes one kind of body. A field's `Meta(description=…)` is the remedy shown when its value does not fit.

    `files` are the names of the files that come beside the struct's fields in a form.
    """

    def __init__(self, wire: type[Wire], files: Iterable[str] = ()) -> None:
        self.wire = wire
        self._fields = {each.encode_name: each for each in msgspec.structs.fields(wire)}
        self._files = frozenset(files)
        self._names = ", ".join(dict.fromkeys((*self._fields, *files)))
        self._plainly = _plain_decoder(wire)
        self._quotes = 4 * len(self._fields)

    def __call__(self, body: bytes) -> Wire:
        """The struct. Raises `WrongShape` with every field that is missing, unknown or of the wrong kind."""
        if self._plainly is not None and b"\\" not in body and body.count(b'"') == self._quotes:
            try:
                return self._plainly.decode(body)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                pass  # The strict parser says it in our words.
        if not body and not self._fields:
            return self.wire()
        return self._of(strict_json.parse(body))

    def of_form(self, form: Form) -> Wire:
        """The struct of a form's text. Raises `WrongShape` as for a body, and for a file that nobody asked for."""
        unknown = [name for name in form.files if name not in self._files]
        if unknown:
            raise strict_json.WrongShape(*map(self._unknown, unknown))
        try:
            document = form.document
        except BadForm as error:
            raise strict_json.WrongShape(Problem(error.field, str(error))) from None
        return self._of(document)

    def _of(self, document: object) -> Wire:
        try:
            return msgspec.convert(document, self.wire)
        except msgspec.ValidationError:
            raise strict_json.WrongShape(*self._problems(document)[:MAX_PROBLEMS]) from None

    def _problems(self, document: object) -> list[Problem]:
        if not isinstance(document, dict):
            return [Problem("body", f"must be a JSON object with the fields {self._names}")]
        problems = []
        for name, each in self._fields.items():
            if name not in document:
                if each.required:
                    problems.append(Problem(name, f"is required: {remedy(each.type)}"))
            elif not _fits(document[name], each.type):
                problems.append(Problem(name, remedy(each.type)))
        return problems + [self._unknown(name) for name in document if name not in self._fields]

    def _unknown(self, name: str) -> Problem:
        there = f"there are {self._names}" if self._names else "there are none"
        return Problem(name[:NAME_SHOWN], f"is not a field here; {there}")


class QueryDecoder(Generic[Wire]):
    """Decodes a query's parameters, of several with one name the last. What nobody asked for is passed over."""

    def __init__(self, wire: type[Wire]) -> None:
        self._wire = wire
        self._fields = {each.encode_name: each for each in msgspec.structs.fields(wire)}

    def __call__(self, query: bytes) -> Wire:
        """The struct. Raises `InvalidRequest` with every parameter that is missing or does not fit."""
        try:
            given = dict(parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100))
        except ValueError:
            raise InvalidRequest(Problem("query", "must be percent-encoded UTF-8, name=value&name=value")) from None
        given = {name: value for name, value in given.items() if name in self._fields}
        try:
            return msgspec.convert(given, self._wire, strict=False)
        except msgspec.ValidationError:
            raise InvalidRequest(*self._problems(given)) from None

    def _problems(self, given: Mapping[str, str]) -> list[Problem]:
        return [
            Problem(name, remedy(each.type))
            for name, each in self._fields.items()
            if (name in given and not _fits(given[name], each.type, strict=False))
            or (name not in given and each.required)
        ]


def _plain_decoder(wire: type[Wire]) -> msgspec.json.Decoder[Wire] | None:
    """A faster decoder for structs of nothing but required strings, None for any other.

    It is as strict as the slow one where the body has no escapes and four quotes a field: then no key stands
    twice, nothing is nested, there are no numbers and no NUL.
    """
    fields = msgspec.structs.fields(wire)
    plain = fields and all(each.required and _unannotated(each.type) is str for each in fields)
    return msgspec.json.Decoder(wire) if plain else None


def _unannotated(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def remedy(annotation: Any) -> str:
    """The sentence that a field's annotation carries for whoever gets its value wrong."""
    for meta in getattr(annotation, "__metadata__", ()):
        if isinstance(meta, msgspec.Meta) and meta.description is not None:
            return meta.description
    return "must be of another type"


def _fits(value: object, annotation: Any, *, strict: bool = True) -> bool:
    try:
        msgspec.convert(value, annotation, strict=strict)
    except msgspec.ValidationError:
        return False
    return True
