"""Numbered migrations of a schema, which each database has in its own words: what is added, then what is taken away.

Code is known by the number of the newest step that it has. A step of expansion disturbs no older code, so it is made
while older code runs. A contract step (`NNNN_name.contract.sql`) is one that code without that step does not survive.
Code runs with and without its own contract steps.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final, NamedTuple

from stillmotion.adapters.store.sql.connections import StoreUnusable
from stillmotion.adapters.store.sql.generation_rows import Row
from stillmotion.domain.operators.processes import SILENT_AFTER

_CONTRACT: Final = ".contract.sql"


@dataclass(frozen=True, slots=True)
class Migration:
    """Migration of the schema to `version`."""

    version: int
    sql: str
    is_contract: bool = False


class SchemaStanding(NamedTuple):
    """Standing of a database: code up to `schema` finds all that it reads, and code from `oldest_code` on may run."""

    schema: int
    oldest_code: int


class Upgrade(NamedTuple):
    """Steps that bring a database from one standing to another. `before` is None for a database without tables.

    `due` are the contract steps that are left.
    """

    before: SchemaStanding | None
    after: SchemaStanding
    steps: Sequence[Migration]
    due: Sequence[int]


@cache
def packaged(package: str) -> Sequence[Migration]:
    """The migrations of a package, `migrations/NNNN_name.sql`, in order."""
    folder = resources.files(package) / "migrations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return tuple(
        Migration(int(each.name[:4]), each.read_text("utf-8"), each.name.endswith(_CONTRACT)) for each in files
    )


def upgrade(steps: Sequence[Migration], before: SchemaStanding | None, *, contract: bool = False) -> Upgrade:
    """The way to the newest of `steps`, with `contract` through all contract steps too.

    A database without tables takes every step, since no older code runs over it.
    """
    schema, oldest_code = before or (0, 0)
    taken = [each for each in steps if each.version > schema and not each.is_contract]
    if before is None:
        taken = list(steps)
    elif contract:
        taken += contractions(steps, oldest_code)
    schema = max(schema, steps[-1].version)
    oldest_code = max([oldest_code, *(each.version for each in taken if each.is_contract)])
    due = [each.version for each in contractions(steps, oldest_code)]
    return Upgrade(before, SchemaStanding(schema, oldest_code), taken, due)


def contractions(steps: Iterable[Migration], oldest_code: int) -> Sequence[Migration]:
    """The contract steps of a database that were not made yet."""
    return [each for each in steps if each.is_contract and each.version > oldest_code]


def refuse_outgrown(place: object, standing: SchemaStanding, steps: Sequence[Migration]) -> None:
    """Raise `StoreUnusable` if the database has lost something that this code needs."""
    known = steps[-1].version
    if standing.oldest_code > known:
        raise StoreUnusable(outgrown(place, standing, known))


def outgrown(place: object, standing: SchemaStanding, known: int) -> str:
    """The sentence for a database that is too new for code that knows a schema."""
    return (
        f"{place} is too new for this Stillmotion, which knows schema {known}: the oldest version that works knows "
        f"schema {standing.oldest_code}. Upgrade Stillmotion here, or restore the backup from before "
        "`stillmotion migrate --contract`"
    )


def older_code(place: object, living: Iterable[Row]) -> StoreUnusable:
    """The error of a contract step that living processes would not survive: their ids, versions and schemas."""
    named = ", ".join(f"{id_} (version {version}, schema {schema or 'unknown'})" for id_, version, schema in living)
    return StoreUnusable(
        f"{place} is used by processes of older code, which would fail: {named}. Upgrade or stop them, and run "
        f"`stillmotion migrate --contract` again; one that was killed counts for {SILENT_AFTER.seconds} seconds"
    )
