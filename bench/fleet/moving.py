"""`stillmotion move` of a data directory against bare COPY of the same rows into the same tables."""

import asyncio
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

from bench.fleet.servers import Durable
from bench.history import write_history
from bench.table import Figure, Sense, spread
from stillmotion.adapters.store.postgresql.arrival import arrival
from stillmotion.composition.moving import move
from stillmotion.config import Settings

ROWS, ROUNDS, PIECE = 40_000, 3, 1 << 16


async def measure(server: Durable, folder: Path, rows: int = ROWS) -> Sequence[Figure]:
    """The ratio of the seconds that bare COPY takes and those of a whole move: reading, writing, looking, ANALYZE."""
    history = await write_history(folder / "history", rows)
    name = "move ÷ bare COPY, rows a second"
    ratios, note = [], ""
    for number in range(ROUNDS):
        copy, url = folder / f"copy-{number}", server.new_database()
        shutil.copytree(history.data_dir, copy)
        began = time.perf_counter()
        moved = await asyncio.to_thread(move, Settings(data_dir=copy), url)
        whole = time.perf_counter() - began
        bare = _copied(_content(url, [table for table, count in moved.rows.items() if count]), server.new_database())
        ratios.append(bare / whole)
        note = f"{sum(moved.rows.values()):,} rows, {bare:.1f} s bare and {whole:.1f} s moved in the last round"
    return [Figure(name, spread(ratios), Sense.AT_LEAST, 0.5, "×", note)]


def _content(url: str, tables: Sequence[str]) -> Mapping[str, Sequence[bytes]]:
    """Rows of tables, as COPY writes them, by table."""
    with psycopg.connect(url) as link:
        return {table: _out(link, table) for table in tables}


def _out(link: "psycopg.Connection[tuple[object, ...]]", table: str) -> Sequence[bytes]:
    columns = SQL(", ").join(map(Identifier, _columns(link, table)))
    statement = SQL("COPY {} ({}) TO STDOUT").format(Identifier(table), columns)
    with link.cursor() as cursor, cursor.copy(statement) as copying:
        written = b"".join(bytes(piece) for piece in copying)
    return [written[start : start + PIECE] for start in range(0, len(written), PIECE)]


def _columns(link: "psycopg.Connection[tuple[object, ...]]", table: str) -> list[str]:
    """Columns that a row is given with: numbers that the database gives itself are left out."""
    asked = "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND is_identity = 'NO'"
    return [str(name) for (name,) in link.execute(asked, (table,))]


def _copied(content: Mapping[str, Sequence[bytes]], url: str) -> float:
    """Seconds that COPY of the content into new tables takes, and its commit."""
    # As `move` makes the tables, with its one transaction left empty.
    with arrival(url, [b"bench"]):
        pass
    with psycopg.connect(url) as link:
        columns = {table: SQL(", ").join(map(Identifier, _columns(link, table))) for table in content}
        for table in content:
            link.execute(SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(Identifier(table)))
        began = time.perf_counter()
        for table, pieces in content.items():
            statement = SQL("COPY {} ({}) FROM STDIN").format(Identifier(table), columns[table])
            with link.cursor() as cursor, cursor.copy(statement) as copying:
                for piece in pieces:
                    copying.write(piece)
        link.commit()
        return time.perf_counter() - began
