"""Names in a database for shell completion. The database is neither changed nor migrated."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import apsw

from stillmotion.adapters.store.sqlite.connections.database import connect_reader

MOST: Final = 1000
"""Names of each kind at most."""

_STATEMENTS: Final[Mapping[str, str]] = {
    "products": "SELECT name, '' FROM products ORDER BY name LIMIT ?",
    "subscriptions": "SELECT id, name FROM subscriptions ORDER BY id DESC LIMIT ?",
    "generations": "SELECT id, state FROM generations LIMIT ?",
    "deliveries": "SELECT id, url FROM deliveries LIMIT ?",
}
"""Statements that every schema since the first understands."""


def names(database: Path, kind: str) -> Mapping[str, str]:
    """Names of a kind (products, subscriptions, generations, deliveries), with a word about each.

    Empty without a database that can be read just now.
    """
    if not database.exists():
        return {}
    try:
        connection = connect_reader(database)
        try:
            return {str(name): str(about) for name, about in connection.execute(_STATEMENTS[kind], (MOST,))}
        finally:
            connection.close()
    except apsw.Error:
        return {}
