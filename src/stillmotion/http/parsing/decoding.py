"""Decoding: a body or a query becomes the wire struct of its operation, or a list of all its faults."""

from collections.abc import Iterable, Iterator, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Generic, TypeGuard, TypeVar, Union, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec

from stillmotion.domain.errors import InvalidRequest, Problem
from stillmotion.http.parsing import strict_json
from stillmotion.http.parsing.multipart import BadForm, Form

Wire = TypeVar("Wire", bound=msgspec.Struct)

MAX_PROBLEMS = 20
NAME_SHOWN = 100
"""Characters of an unknown field's name that are repeated to its sender."""
KEY_PARAMETER = "subscription-key"
"""A key may stand in any query."""


class WireDecoder(Generic[Wire]):
    """Decoder of one kind of body. A field's `Meta(description=…)` is the remedy shown for a wrong value.

    A null member counts as absent, except in a mapping, and in a struct with fields that may be `UNSET`: there null is
    a value. `files` are the names of a form's files, which come beside the struct's fields.
    """

    def __init__(self, wire: type[Wire], files: Iterable[str] = ()) -> None:
        self.wire = wire
        self._fields = {each.encode_name: each for each in msgspec.structs.fields(wire)}
        self._files = frozenset(files)
        self._plainly = _plain_decoder(wire)
        self._quotes = 4 * len(self._fields)
        self._null_is_a_value = any(each.default is msgspec.UNSET for each in self._fields.values())
        self._mappings = frozenset(name for name, each in self._fields.items() if is_mapping(each.type))

    def __call__(self, body: bytes) -> Wire:
        """The struct. Raises `WrongShape` with each field that is missing, unknown or of the wrong type."""
        if self._plainly is not None and b"\\" not in body and body.count(b'"') == self._quotes:
            try:
                return self._plainly.decode(body)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                pass  # The strict parser tells the fault in our words.
        if not body and not self._fields:
            return self.wire()
        document = strict_json.parse(body)
        return self._of(document if self._null_is_a_value else self._without_nulls(document), strict=True)

    def _without_nulls(self, document: object) -> object:
        if not isinstance(document, dict):
            return document
        given = {name: value for name, value in document.items() if value is not None}
        return {name: value if name in self._mappings else _without_nulls(value) for name, value in given.items()}

    def of_form(self, form: Form) -> Wire:
        """The struct of a form's text fields. Numbers are text too, and an empty field counts as absent.

        Raises `WrongShape` as for a body, and for an unknown file.
        """
        unknown = [name for name in form.files if name not in self._files]
        if unknown:
            raise strict_json.WrongShape(*(_unknown("", name, self.wire, self._files) for name in unknown))
        try:
            document = form.document
        except BadForm as error:
            raise strict_json.WrongShape(Problem(error.field, str(error))) from None
        given = {
            name: value
            for name, value in document.items()
            if value != "" or name not in self._fields or self._fields[name].required
        }
        return self._of(given, strict=False)

    def _of(self, document: object, *, strict: bool) -> Wire:
        try:
            return msgspec.convert(document, self.wire, strict=strict)
        except msgspec.ValidationError:
            problems = _Problems(self._files, strict=strict)
            raise strict_json.WrongShape(*problems.of_document(document, self.wire)[:MAX_PROBLEMS]) from None


class _Problems:
    """Faults of a document, each with the path to its part: `keyframes.frame0.url`."""

    def __init__(self, files: Iterable[str], *, strict: bool) -> None:
        self._files = files
        self._strict = strict

    def of_document(self, document: object, wire: type[msgspec.Struct]) -> list[Problem]:
        if not isinstance(document, dict):
            return [Problem("body", f"must be a JSON object with the fields {_names(wire, self._files)}")]
        return list(self._of_members("", document, wire))

    def _of_members(self, path: str, members: Mapping[str, object], wire: type[msgspec.Struct]) -> Iterator[Problem]:
        fields = {each.encode_name: each for each in msgspec.structs.fields(wire)}
        for name, each in fields.items():
            if name not in members:
                if each.required:
                    yield Problem(path + name, f"is required: {remedy(each.type)}")
            elif not _fits(members[name], each.type, strict=self._strict):
                yield from self._of_value(path + name, members[name], each.type)
        if not path or wire.__struct_config__.forbid_unknown_fields:
            files = self._files if not path else ()
            yield from (_unknown(path, name, wire, files) for name in members if name not in fields)

    def _of_value(self, path: str, value: object, annotation: Any) -> Iterator[Problem]:
        """The faults of a value that does not fit, or those of its parts if they are to blame."""
        kinds = [_plain_type(each) for each in _alternatives(annotation)]
        structs = list(filter(_is_struct, kinds))
        inner = [_plain_type(get_args(each)[0]) for each in kinds if get_origin(each) in (tuple, list)]
        if isinstance(value, dict) and len(structs) == 1:
            yield from self._of_members(f"{path}.", value, structs[0])
        elif _are_objects(value) and len(inner) == 1 and _is_struct(inner[0]):
            for number, each in enumerate(value):
                yield from self._of_members(f"{path}.{number}.", each, inner[0])
        else:
            yield Problem(path, remedy(annotation))


def _names(wire: type[msgspec.Struct], files: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys((*(each.encode_name for each in msgspec.structs.fields(wire)), *files)))


def _unknown(path: str, name: str, wire: type[msgspec.Struct], files: Iterable[str]) -> Problem:
    outer = _holder_of(name, wire)
    if outer is not None:
        return Problem(path + name[:NAME_SHOWN], f"is not a field here: it belongs into {path}{outer}")
    names = _names(wire, files)
    there = f"there are {names}" if names else "there are none"
    return Problem(path + name[:NAME_SHOWN], f"is not a field here; {there}")


def _holder_of(name: str, wire: type[msgspec.Struct]) -> str | None:
    """The field of a struct whose value has a field of that name; None without one."""
    for each in msgspec.structs.fields(wire):
        for kind in map(_plain_type, _alternatives(each.type)):
            if _is_struct(kind) and any(inner.encode_name == name for inner in msgspec.structs.fields(kind)):
                return each.encode_name
    return None


def _is_struct(kind: Any) -> TypeGuard[type[msgspec.Struct]]:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _are_objects(value: object) -> TypeGuard[list[dict[str, object]]]:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


def _without_nulls(value: object) -> object:
    """The document without its null members."""
    if isinstance(value, dict):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value


class QueryDecoder(Generic[Wire]):
    """Decoder of a query's parameters.

    If the struct forbids unknown fields, unknown and repeated parameters are refused. Otherwise unknown ones are
    ignored, and the last of repeated ones counts. A field of a mapping's type, `name`, takes `name.<key>=<value>`.
    """

    def __init__(self, wire: type[Wire]) -> None:
        self._wire = wire
        self._fields = {each.encode_name: each for each in msgspec.structs.fields(wire)}
        self._is_strict = wire.__struct_config__.forbid_unknown_fields
        self._mappings = [name for name, each in self._fields.items() if is_mapping(each.type)]

    def __call__(self, query: bytes) -> Wire:
        """The struct. Raises `InvalidRequest` with each parameter that is missing, unknown or of the wrong type."""
        # No name or id has a NUL, and PostgreSQL takes none: it is read as the replacement character, as in HTML.
        query = query.replace(b"%00", b"%EF%BF%BD")
        try:
            pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100)
        except ValueError:
            raise InvalidRequest(Problem("query", "must be percent-encoded UTF-8, name=value&name=value")) from None
        if self._is_strict:
            self._check_names([name for name, _ in pairs if name != KEY_PARAMETER])
        given: dict[str, Any] = {name: value for name, value in pairs if name in self._fields}
        for mapping in self._mappings:
            prefix = f"{mapping}."
            given[mapping] = {name.removeprefix(prefix): value for name, value in pairs if name.startswith(prefix)}
        try:
            return msgspec.convert(given, self._wire, strict=False)
        except msgspec.ValidationError:
            raise InvalidRequest(*self._problems(given)) from None

    def _check_names(self, names: list[str]) -> None:
        shown = [f"{name}.<name>" if name in self._mappings else name for name in self._fields]
        there = f"there are {', '.join(shown)}" if shown else "there are none"
        problems = [
            Problem(name[:NAME_SHOWN], f"is not a parameter here; {there}")
            for name in dict.fromkeys(names)
            if not self._is_known(name)
        ]
        problems += [
            Problem(name[:NAME_SHOWN], "stands twice")
            for name in dict.fromkeys(names)
            if self._is_known(name) and names.count(name) > 1
        ]
        if problems:
            raise InvalidRequest(*problems[:MAX_PROBLEMS])

    def _is_known(self, name: str) -> bool:
        head, dot, rest = name.partition(".")
        if head in self._mappings:
            return bool(dot and rest)
        return name in self._fields

    def _problems(self, given: Mapping[str, Any]) -> list[Problem]:
        return [
            Problem(name, remedy(each.type))
            for name, each in self._fields.items()
            if (name in given and not _fits(given[name], each.type, strict=False))
            or (name not in given and each.required)
        ]


def _plain_decoder(wire: type[Wire]) -> msgspec.json.Decoder[Wire] | None:
    """A faster decoder for structs that have required strings only; None for any other.

    It is as strict as the slow one for a body without escapes and with four quotes a field: no key can be repeated,
    nothing is nested, and there is no number and no NUL.
    """
    fields = msgspec.structs.fields(wire)
    plain = fields and all(each.required and _plain_type(each.type) is str for each in fields)
    return msgspec.json.Decoder(wire) if plain else None


def _plain_type(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def is_mapping(annotation: Any) -> bool:
    """True for a field that takes a mapping."""
    return any(get_origin(_plain_type(each)) in (dict, Mapping) for each in _alternatives(annotation))


def _alternatives(annotation: Any) -> list[Any]:
    """The types of a value, without None and `UNSET`."""
    plain = _plain_type(annotation)
    kinds = get_args(plain) if get_origin(plain) in (Union, UnionType) else (plain,)
    return [each for each in kinds if each not in (NoneType, msgspec.UnsetType)]


def remedy(annotation: Any) -> str:
    """The remedy in a field's annotation, for senders of a wrong value."""
    for meta in getattr(annotation, "__metadata__", ()):
        if isinstance(meta, msgspec.Meta) and meta.description is not None:
            return meta.description
    return "must be of another type"


def _fits(value: object, annotation: Any, *, strict: bool) -> bool:
    try:
        msgspec.convert(value, annotation, strict=strict)
    except msgspec.ValidationError:
        return False
    return True
