"""`python3 dev.py walk JOURNEY`: follows a real request through the house, for people who learn it and for reviews.

It prints each file in the order of the first calls, with the functions that are new there. A return is a visit of a
file that was left before. Calls that go outward are counted by the layers of pyproject.toml.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.walk.journeys import JOURNEYS, walked
from tools.walk.trace import Place, Trace, Walk, layers, walk_of


def main(arguments: Sequence[str]) -> int:
    """Walk one journey, or several; the exit code."""
    parser = argparse.ArgumentParser(prog="python3 dev.py walk", description=__doc__.partition("\n\n")[0])
    parser.add_argument("journeys", nargs="+", choices=JOURNEYS, metavar=f"{{{','.join(JOURNEYS)}}}")
    parser.add_argument("--short", action="store_true", help="the figures alone")
    asked = parser.parse_args(arguments)
    for name in asked.journeys:
        _print(name, walk_of(walked(name), layers()), short=asked.short)
    return 0


def _print(name: str, walk: Walk, *, short: bool) -> None:
    if not short:
        print(f"{name}: {JOURNEYS[name].told}\n")
        seen = set[str]()
        for file, functions in walk.visits:
            print(f"{'<-' if file in seen else '  '} {file}: {', '.join(functions)}")
            seen.add(file)
        print()
    print(
        f"{name}: {walk.files} files, {walk.functions} functions, {walk.returns} returns to a file left before, "
        f"{walk.by_ports} calls by ports, {len(walk.outward)} calls from an inner layer back out"
    )
    for caller, place in walk.outward:
        print(f"   out: {caller.file} {caller.function} -> {place.file} {place.function}")


def _render_traced(file: str, arguments: Sequence[str]) -> None:
    """Become a renderer that writes down its calls from the first order on."""
    with Path(file).open("w", encoding="utf-8", buffering=1) as calls:

        def tell(caller: Place | None, place: Place) -> None:
            # Line by line: a renderer ends without a last word.
            calls.write("\t".join((*(caller or ("", "")), *place)) + "\n")

        sys.argv = ["renderer", *arguments]
        from stillmotion.worker.renderer.__main__ import main as become

        trace = Trace(begins="Renderer._carry_out", tell=tell)
        with trace.listening(), trace.recording():
            become()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--renderer"]:
        _render_traced(sys.argv[2], sys.argv[3:])
    else:
        sys.exit(main(sys.argv[1:]))
