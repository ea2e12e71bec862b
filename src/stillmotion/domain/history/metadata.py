"""Metadata: an owner's own names and values on a generation."""

import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from stillmotion.domain.errors import InvalidRequest, Problem

MAX_PAIRS: Final = 16
NAME_MAX_CHARACTERS: Final = 64
VALUE_MAX_CHARACTERS: Final = 512

NONE: Final[Mapping[str, str]] = MappingProxyType({})

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_NO_NAME: Final = re.compile('["\\\\\x00-\x1f\x7f\ud800-\udfff]')
"""Characters that no name has. Without quotes a pair is found in the JSON of all pairs by its text alone."""


def check(metadata: Mapping[str, str]) -> None:
    """Raise `InvalidRequest` with every problem, if there is one."""
    problems = [Problem("metadata", f"must be {MAX_PAIRS} pairs at most")] if len(metadata) > MAX_PAIRS else []
    for name, value in metadata.items():
        if not name.strip() or len(name) > NAME_MAX_CHARACTERS or _NO_NAME.search(name):
            problems.append(
                Problem(
                    "metadata",
                    f"must have names of 1 to {NAME_MAX_CHARACTERS} characters, without quotes and control characters",
                )
            )
        elif len(value) > VALUE_MAX_CHARACTERS or _UNSTORABLE.search(value):
            problems.append(
                Problem(f"metadata.{name}", f"must be plain Unicode text of {VALUE_MAX_CHARACTERS} characters at most")
            )
    if problems:
        raise InvalidRequest(*problems)


def changed(metadata: Mapping[str, str], changes: Mapping[str, str | None]) -> Mapping[str, str]:
    """The pairs with these changes; None removes a name. Raises `InvalidRequest`."""
    merged: dict[str, str | None] = {**metadata, **changes}
    kept = {name: value for name, value in merged.items() if value is not None}
    check(kept)
    return kept


def pair_text(name: str, value: str) -> str:
    """A pair as it stands in the JSON of all pairs: `"name":"value"`."""
    return f"{json.dumps(name, ensure_ascii=False)}:{json.dumps(value, ensure_ascii=False)}"


def text_of(metadata: Mapping[str, str]) -> str:
    """JSON of all pairs, without blanks between them."""
    return "{" + ",".join(pair_text(name, value) for name, value in metadata.items()) + "}"
