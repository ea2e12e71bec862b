"""`python3 dev.py console`: serves the console with a sample data set, and opens it in a browser.

The data directory is a temporary one, or the one that is named: it is filled if it is not there yet, and kept.
"""

import argparse
import sys
import tempfile
import time
import webbrowser
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tools.console.sample import Customer
from tools.console.serving import ADMIN_KEY, made, served

DEFAULT_PORT = 8080


def main(arguments: Sequence[str]) -> int:
    """Serve until Ctrl-C; the exit code."""
    parser = argparse.ArgumentParser(prog="python3 dev.py console", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--data-dir", type=Path, help="a directory to fill and keep; without it a temporary one")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="the port to listen on; 0 takes a free one")
    parser.add_argument("--no-open", action="store_true", help="open no browser")
    asked = parser.parse_args(arguments)
    with ExitStack() as stack:
        folder = asked.data_dir or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stillmotion-")), "data")
        customers: Sequence[Customer] = ()
        if not folder.exists():
            began = time.monotonic()
            print("Making the sample data: some clips are rendered, about half a minute …", flush=True)
            customers = made(folder).customers
            print(f"Made in {time.monotonic() - began:.0f} s.", flush=True)
        running = stack.enter_context(served(folder, asked.port))
        print(_told(running.base, customers), flush=True)
        if not asked.no_open:
            webbrowser.open(running.base)
        try:
            running.process.wait()
        except KeyboardInterrupt:
            print("Stopping.")
    return 0


def _told(base: str, customers: Sequence[Customer]) -> str:
    keys = [(each.subscription.name, each.key) for each in customers] or [("Customers", "the keys that you noted")]
    lines = [f"  {name:<20}{key}" for name, key in [*keys, ("Operator", ADMIN_KEY)]]
    return "\n".join([f"Open {base}/ and sign in with one of these keys:", "", *lines, "", "Ctrl-C ends it."])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
