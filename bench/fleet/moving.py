"""`stillmotion move` of a data directory against bare COPY of the same rows into the same tables."""

import asyncio
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Composed, Identifier

from bench.fleet.servers import Durable
from bench.history import write_history
from bench.table import Figure, Sense, spread
from stillmotion.adapters.store.postgresql.arrival import arrival
from stillmotion.composition.moving import move
from stillmotion.config import Settings

ROWS, ROUNDS, PIECE = 40_000, 3, 1 << 16


def moved(data_dir: Path, url: str) -> Mapping[str, str]:
    """Settings of processes over a database, to which a data directory is moved."""
    move(Settings(data_dir=data_dir), url)
    return {"store": url, "secret": (data_dir / "secret").read_bytes().hex(), "public_url": "http://127.0.0.1:1"}


async def measure(server: Durable, folder: Path, rows: int = ROWS) -> Sequence[Figure]:
    """The ratio of the seconds that bare COPY takes and those of a whole move: reading, writing, looking, ANALYZE."""
    history = await write_history(folder / "history", rows)
    name = "move ÷ bare COPY, rows a second"
    ratios, note = [], ""
    for number in range(ROUNDS):
        copy, url = folder / f"copy-{number}", server.new_database()
        shutil.copytree(history.data_dir, copy)
        began = time.perf_counter()
        taken = await asyncio.to_thread(move, Settings(data_dir=copy), url)
        whole = time.perf_counter() - began
        bare = _copied(url, server.new_database(), [table for table, count in taken.rows.items() if count])
        ratios.append(bare / whole)
        note = f"{sum(taken.rows.values()):,} rows, {bare:.1f} s bare and {whole:.1f} s moved in the last round"
    return [Figure(name, spread(ratios), Sense.AT_LEAST, 0.5, "×", note)]


def _copied(source: str, url: str, tables: Sequence[str]) -> float:
    """Seconds that COPY of tables' rows into new tables takes, and its commit."""
    # As `move` makes the tables, with its one transaction left empty.
    with arrival(url, [b"bench"]) as there:
        columns = {table: SQL(", ").join(map(Identifier, there.columns[table])) for table in tables}
    with psycopg.connect(source) as link:
        content = {table: _out(link, table, columns[table]) for table in tables}
    with psycopg.connect(url) as link:
        for table in tables:
            link.execute(SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(Identifier(table)))
        began = time.perf_counter()
        for table, pieces in content.items():
            statement = SQL("COPY {} ({}) FROM STDIN").format(Identifier(table), columns[table])
            with link.cursor() as cursor, cursor.copy(statement) as copying:
                for piece in pieces:
                    copying.write(piece)
        link.commit()
        return time.perf_counter() - began


def _out(link: "psycopg.Connection[tuple[object, ...]]", table: str, columns: Composed) -> Sequence[bytes]:
    """Rows of a table, as COPY writes them."""
    statement = SQL("COPY {} ({}) TO STDOUT").format(Identifier(table), columns)
    with link.cursor() as cursor, cursor.copy(statement) as copying:
        written = b"".join(bytes(piece) for piece in copying)
    return [written[start : start + PIECE] for start in range(0, len(written), PIECE)]
