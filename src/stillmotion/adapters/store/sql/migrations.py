"""Numbered migrations of a schema, which each database has in its own words."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True, slots=True)
class Migration:
    """Migration of the schema to `version`."""

    version: int
    sql: str


def packaged(package: str) -> Sequence[Migration]:
    """The migrations of a package, `migrations/NNNN_name.sql`, in order."""
    folder = resources.files(package) / "migrations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return [Migration(int(file.name[:4]), file.read_text("utf-8")) for file in files]
