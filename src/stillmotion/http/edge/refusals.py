"""Refusals: for each surface a table from the kind of error to a status and a body."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec

from stillmotion.domain.errors import Field, InvalidRequest, Problem, Refused, TurnedAway
from stillmotion.http.parsing.body import UnreadBody
from stillmotion.http.server.replies import JSON_TYPE, NO_STORE, Header, Reply

DEFAULT_RETRY_SECONDS = 5


FieldNames = Mapping[Field, str]
"""A surface's names for the parts of a request."""


def in_words(error: InvalidRequest, names: FieldNames) -> list[Problem]:
    """An error's problems with the parts named as a surface names them."""
    return [
        Problem(names[each.field], each.message) if isinstance(each.field, Field) else each for each in error.problems
    ]


class EndpointNotFound(Refused):
    """Raised for a path that no operation has."""


class MethodNotAllowed(EndpointNotFound):
    """Raised for a path that exists for other methods only."""

    def __init__(self, path: str, methods: Sequence[str]) -> None:
        super().__init__(path)
        self.methods = methods


@dataclass(frozen=True, slots=True)
class RefusalRule:
    """A surface's answer to one kind of error.

    `body` is sent as it is, or is only an example if `detailed` makes a body from the error. `when` completes the
    sentence "answered when …" of the reference. With `retry_after` the error knows the seconds until the next try.
    """

    kind: type[Exception]
    status: int
    when: str
    body: msgspec.Struct
    detailed: Callable[[Any], msgspec.Struct] | None = None
    headers: tuple[Header, ...] = ()
    retry_after: bool = False


class Refusals:
    """A surface's table. The row of `Exception` is the answer to every bug."""

    def __init__(self, rows: Iterable[RefusalRule]) -> None:
        self.rows = {row.kind: row for row in rows}

    def row(self, error: type[Exception]) -> RefusalRule:
        """The row of the error's nearest class."""
        return next(self.rows[kind] for kind in error.__mro__ if kind in self.rows)

    def reply(self, error: Exception) -> Reply:
        """The answer to an error, with `Retry-After` if its row has that."""
        row = self.row(type(error))
        headers = [JSON_TYPE, NO_STORE, *row.headers]
        if row.retry_after:
            headers.append(("Retry-After", str(getattr(error, "retry_after", DEFAULT_RETRY_SECONDS))))
        if isinstance(error, TurnedAway):
            headers.append(("X-Stillmotion-Reason", error.reason.value))
        if row.status == HTTPStatus.METHOD_NOT_ALLOWED:
            headers.append(("Allow", ", ".join(getattr(error, "methods", ()))))
        body = row.body if row.detailed is None else row.detailed(error)
        return Reply(row.status, msgspec.json.encode(body), headers, closes=isinstance(error, UnreadBody))
