"""`python3 dev.py fuzz`: Schemathesis against a live server of ours, all its checks over the whole OpenAPI document.

The server has some finished generations and no renderer, so that no made-up address is fetched or posted to. With
`--store postgresql` its rows are moved to a real PostgreSQL, whose types refuse what SQLite's take.
Afterwards each parameter and each field gets values at the ends of its type. Exit code 1 where an answer is a 5xx, or
is missing from the document.
"""

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.fleet.moving import moved
from bench.fleet.servers import durable
from bench.history import write_history
from bench.service import serving
from tools.extremes import server_errors

ADMIN_KEY = "an-operators-key-for-tests-at-random-0123456789"

CONFIGURATION = """
[auth.openapi]
subscriptionKeyHeader = {{ api_key = {key} }}
subscriptionKeyQuery = {{ api_key = {key} }}
bearerKey = {{ bearer = {key} }}
adminKey = {{ bearer = {admin} }}

[generation]
# HTTP has it that unknown headers and parameters are passed over.
allow-extra-parameters = false

[checks.positive_data_acceptance]
# What a schema cannot say: that a source must exist, which fields need each other, that text has no NUL.
expected-statuses = ["2xx", "3xx", 400, 401, 403, 404, 409, 416, 422, 429, 503]

[[operations]]
# The gateway's contract has 404 for a known path with another method, and our own pages speak its words.
exclude-path-regex = "^/(dream-machine|v1|admin)/"
checks.unsupported_method.enabled = false

[[operations]]
# Ten wrong keys from one address are too many, and there are more operations than that.
include-path-regex = "^/admin/"
checks.ignored_auth.enabled = false

[[operations]]
# It has no renderer, and says so.
include-path = "/readyz"
checks.not_a_server_error.expected-statuses = ["2xx", 404, 503]
"""

BUGS = ("request_failed", "answer_failed")
"""Events of the log that are never the caller's doing."""

OWN = ("--exclude-path-regex", "^/(admin/|account/keys/)")
ADMINISTRATION = ("--include-path-regex", "^/admin/")
"""Two runs, since the administration's would revoke the other's key. No run replaces its own key."""


def main(arguments: Sequence[str]) -> int:
    """Fuzz; the exit code."""
    parser = argparse.ArgumentParser(prog="python3 dev.py fuzz", description=__doc__.partition("\n\n")[0])
    parser.add_argument(
        "--seconds", type=int, default=120, help="how long, for both runs together (120); 0: as long as the cases take"
    )
    parser.add_argument("--examples", type=int, default=50, help="cases an operation, at most (50)")
    parser.add_argument("--seed", type=int, default=1, help="which cases (1)")
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite", help="the database (sqlite)")
    given, more = parser.parse_known_args(arguments)
    with TemporaryDirectory(prefix="stillmotion-fuzz-") as folder, ExitStack() as database:
        history = asyncio.run(write_history(Path(folder) / "data", 200, 2))
        configuration = Path(folder) / "schemathesis.toml"
        key, admin = json.dumps(history.keys[0]), json.dumps(ADMIN_KEY)
        configuration.write_text(CONFIGURATION.format(key=key, admin=admin), "utf-8")
        settings = {"renderers": "0", "admin_key": ADMIN_KEY}
        data_dir = history.data_dir
        if given.store == "postgresql":
            settings |= moved(data_dir, database.enter_context(durable()).new_database())
            data_dir = Path(folder) / "scratch"
        with serving(data_dir, settings) as server:
            document = f"http://{server.address.host}:{server.address.port}/openapi.json"
            command = ["-m", "schemathesis.cli", "--config-file", str(configuration), "run", document]
            command += ["--no-color", "--continue-on-failure", "--max-examples", str(given.examples)]
            command += ["--seed", str(given.seed), *more]
            command += ["--max-time", str(max(1, given.seconds // 2))] if given.seconds else []
            codes = [
                subprocess.run([sys.executable, *command, *part], cwd=folder, check=False).returncode
                for part in (OWN, ADMINISTRATION)
            ]
            keys = {"/admin/": ADMIN_KEY, "/": history.keys[0]}
            codes += map(_told, server_errors(server.address.host, server.address.port, keys, history.ids[0]))
            bugs = [bug for name in BUGS for bug in server.events(name)]
            for bug in bugs[:10]:
                print(json.dumps(bug, indent=1), file=sys.stderr)
    return 1 if any(codes) or bugs else 0


def _told(sentence: str) -> int:
    print(f"EXTREME  {sentence}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
