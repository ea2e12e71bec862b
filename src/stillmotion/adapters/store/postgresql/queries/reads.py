"""Statements of single generations, for many tasks at once. Their ids are bound as an array."""

from typing import Final

from stillmotion.adapters.store.sql.queries.columns import GENERATION
from stillmotion.adapters.store.sql.queries.generations import VIEW

GENERATIONS: Final = f"SELECT {GENERATION} FROM generations_now g WHERE g.id = ANY (CAST(:ids AS text[]))"
PRESENT: Final = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)"
"""Microseconds since 1970: the moment itself, not that of the transaction."""

VIEWS: Final = f"SELECT subscription_id, {VIEW} FROM generations_now WHERE id = ANY (CAST(:ids AS text[]))"
