"""`python3 dev.py bench everybody`: the operator's table over a long history, by each filter, and the query's plan.

Every generation of the history is completed, so that a filter by another state is the worst there is: it finds nothing
and has looked at every row.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import Request, urlopen

import apsw

from bench.history import PROMPT, write_history
from bench.service import serving
from bench.table import Figure, Sense, Spread, as_text, exit_code, spread
from stillmotion.adapters.store.sql.queries import everybodys
from stillmotion.adapters.store.sqlite.connections.database import connect_reader
from stillmotion.application.ports.administration import EverybodysFilter
from stillmotion.application.ports.lists import Filter
from stillmotion.domain.lifecycle import State

ADMIN_KEY = "an-operators-key-for-benchmarks-0123456789"
GENERATIONS, SUBSCRIPTIONS, LOOKS = 100_000, 50, 5
BAR_SECONDS = 0.3


def main() -> int:
    """Measure; exit code 1 where a first page is over the bar."""
    with TemporaryDirectory(prefix="stillmotion-everybody-") as folder:
        history = asyncio.run(write_history(Path(folder) / "data", GENERATIONS, SUBSCRIPTIONS))
        with serving(history.data_dir, {"renderers": "0", "admin_key": ADMIN_KEY}) as server:
            address = f"http://{server.address.host}:{server.address.port}/admin/v1"
            owner = _ask(address, "subscriptions")["subscriptions"][0]["id"]
            asked = {
                "no filter": "",
                "state=completed": "state=completed",
                "state=failed (none)": "state=failed",
                "subscription": f"subscription={owner}",
                "engine (none)": "engine=nobody",
                "model (none)": "model=nobody",
                "worker (none)": "worker=nobody",
                "search (every row)": f"search={PROMPT.replace(' ', '+')}",
                "search (none)": "search=a+word+that+nobody+wrote",
                "older_than": "older_than=86400",
                "the last page": f"before={min(history.ids)}",
            }
            figures = [
                Figure(f"first page, {name}", _seconds(address, query), Sense.AT_MOST, BAR_SECONDS, "s")
                for name, query in asked.items()
            ]
        print(as_text(figures))
        _explain(history.data_dir / "stillmotion.db")
    return exit_code(figures)


def _seconds(address: str, query: str) -> Spread:
    taken = []
    for _ in range(LOOKS):
        began = time.perf_counter()
        _ask(address, f"generations?limit=50&{query}")
        taken.append(time.perf_counter() - began)
    return spread(taken)


def _ask(address: str, path: str) -> dict[str, list[dict[str, str]]]:
    request = Request(f"{address}/{path}", headers={"Authorization": f"Bearer {ADMIN_KEY}"})
    with urlopen(request, timeout=60) as answer:
        told: dict[str, list[dict[str, str]]] = json.load(answer)
    return told


def _explain(database: Path) -> None:
    """Print the plans of the page for no filter and for every filter at once."""
    everything = EverybodysFilter(
        Filter(states=frozenset({State.FAILED}), model="m", search="s"), subscription_id="s", engine="e", worker="w"
    )
    connection = connect_reader(database)
    for asked in (EverybodysFilter(), everything):
        print()
        for step in _plan(connection, everybodys.page(asked, newest_first=True)):
            print(step)
    connection.close()


def _plan(connection: apsw.Connection, statement: str) -> list[str]:
    # Names without a value are NULL, which changes no plan.
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", _Nothing())]


class _Nothing(dict[str, None]):
    """Bindings of any name."""

    def __missing__(self, name: str) -> None:
        return None


if __name__ == "__main__":
    sys.exit(main())
