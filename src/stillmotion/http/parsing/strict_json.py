"""Strict JSON (RFC 8259) for untrusted input: nothing is guessed, nothing is dropped.

UTF-8 without a byte order mark, no key twice, no NaN or Infinity, no number that a double or 19 digits cannot hold,
no nesting deeper than 32, no NUL and no lone surrogate in any string.
"""

import codecs
import json
import math
from collections.abc import Sequence

from stillmotion.domain.errors import InvalidRequest, Problem

MAX_DEPTH = 32
MAX_DIGITS = 19


class WrongShape(InvalidRequest):
    """Raised for a body that is not JSON, or has missing, unknown or wrongly typed fields."""


class _NotStrict(ValueError):
    """Raised for a refused document. The message completes the sentence "must be JSON …"."""


def parse(body: bytes) -> object:
    """The document in a request's body. Raises `WrongShape` that names the field `body`."""
    try:
        document = _DECODER.decode(body.decode("utf-8"))
        if type(document) is dict and not _has_containers(document) and b"\\u" not in body:
            return document
        _check_deeply(document)
    except UnicodeDecodeError:
        raise _refusal("must be JSON in UTF-8") from None
    except json.JSONDecodeError as error:
        if body.startswith(codecs.BOM_UTF8):
            raise _refusal("must be JSON without a byte order mark before it: save it as UTF-8 without BOM") from None
        raise _refusal(f"must be valid JSON: {_in_lower_case(error.msg)} at character {error.pos}") from None
    except _NotStrict as error:
        raise _refusal(f"must be JSON {error}") from None
    except RecursionError:
        raise _refusal(f"must be JSON nested no deeper than {MAX_DEPTH}") from None
    return document


def _refusal(message: str) -> WrongShape:
    return WrongShape(Problem("body", message))


def _in_lower_case(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _has_containers(document: dict[str, object]) -> bool:
    return any(type(value) is dict or type(value) is list for value in document.values())


def _check_deeply(document: object) -> None:
    """Check a document that may be nested or hold escapes, level by level."""
    level: Sequence[object] = [document]
    for depth in range(MAX_DEPTH + 1):
        deeper: list[object] = []
        for value in level:
            if isinstance(value, str):
                _check_text(value)
            elif isinstance(value, dict | list) and depth == MAX_DEPTH:
                raise _NotStrict(f"nested no deeper than {MAX_DEPTH}")
            elif isinstance(value, dict):
                deeper += [*value, *value.values()]
            elif isinstance(value, list):
                deeper += value
        level = deeper


def _check_text(text: str) -> None:
    if "\0" in text:
        raise _NotStrict("without NUL characters")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise _NotStrict("without lone surrogates") from None


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _NotStrict("in which no key stands twice")
    return members


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_DIGITS:
        raise _NotStrict(f"with whole numbers of {MAX_DIGITS} digits at most")
    return int(digits)


def _number(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise _NotStrict("with numbers that a double can hold")
    return number


def _constant(name: str) -> float:
    raise _NotStrict(f"without {name}")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_integer, parse_float=_number, parse_constant=_constant
)
