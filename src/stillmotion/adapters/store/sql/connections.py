"""Connections as the operations know them, whatever the database is."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

from stillmotion.adapters.store.sql.generation_rows import Row
from stillmotion.domain.errors import StillmotionError

Given = tuple[Any, ...] | Mapping[str, Any]
"""Values that are bound to a statement, in order (`?`) or by name (`:name`)."""

T = TypeVar("T")


class StoreUnusable(StillmotionError):
    """An unusable database: the message names the database and the remedy."""


class Rows(Protocol):
    """Rows of a statement."""

    @property
    def get(self) -> Any:
        """All rows, with the least structure: the value of one row with one column, the one row, or None for none."""

    def fetchall(self) -> list[Row]:
        """All rows."""

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """Connection inside a transaction."""

    def execute(self, statement: str, bindings: Given = ..., /) -> Rows:
        """Execute a statement."""

    def hold(self, statement: str, bindings: Given = (), /) -> None:
        """Keep other transactions from changing the rows of one of the statements in `queries.holds`."""

    def changes(self) -> int:
        """Number of rows that the last INSERT, UPDATE or DELETE changed."""


Operation = Callable[[Connection], T]
"""Function that runs inside a transaction. An exception undoes it."""


class Writer(Protocol):
    """Runs operations, each in a transaction."""

    async def run(self, operation: Operation[T], /) -> T:
        """The operation's result, once it is durable.

        Raises the operation's exception, or `StoreUnavailable` if the database cannot keep the result.
        """


class Reader(Protocol):
    """Reads of the last commit."""

    async def rows(self, statement: str, bindings: Given = (), /) -> list[Row]:
        """All rows of a statement. Raises `StoreUnavailable`."""

    async def scan(self, statement: str, bindings: Given = (), /) -> list[Row]:
        """As `rows`, for a statement that may take its time: the event loop goes on meanwhile."""
