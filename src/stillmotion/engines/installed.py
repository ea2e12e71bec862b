"""Engines from outside: an installed package adds one by an entry point of the group `stillmotion.engines`.

The entry point's name is the engine's in the catalogue. Its object is called with the catalogue's `Entry`, once for
each model of that engine, and returns an `Engine`. A renderer process alone loads it: a package that is broken breaks
nothing else.
"""

import traceback
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from stillmotion.domain.catalogue import Entry
from stillmotion.domain.errors import EngineUnfit
from stillmotion.domain.rendering import Engine

GROUP: Final = "stillmotion.engines"
_PARTS: Final = ("name", "wants", "render")


def installed_engines() -> list[str]:
    """The names of the engines that installed packages bring, each with its package."""
    return sorted(f"{each.name} ({_package(each)})" for each in entry_points(group=GROUP))


def missing_engine(name: str) -> str | None:
    """The trouble with a name that no package, or more than one, brings an engine for; no package is imported."""
    found = sorted(entry_points(group=GROUP, name=name), key=_package)
    if len(found) == 1:
        return None
    if found:
        return f"the engine {name} is in several packages ({', '.join(map(_package, found))}): uninstall all but one"
    there = ", ".join(installed_engines()) or "none"
    return (
        f"no installed package brings an engine {name} (from outside there is: {there}): install it, or mend the name"
    )


def load(entry: Entry) -> Engine:
    """The engine of a catalogue entry, loaded and warm. Raises `EngineUnfit`, whatever is wrong with its package."""
    trouble = missing_engine(entry.engine)
    if trouble is not None:
        raise EngineUnfit(f"The model {entry.name} cannot be made: {trouble}.")
    (point,) = entry_points(group=GROUP, name=entry.engine)
    who = f"The engine {entry.engine} of {_package(point)}"
    try:
        engine: Engine = point.load()(entry)
    except EngineUnfit:
        raise
    except Exception as error:
        # A stranger's code may raise anything. Its stack goes to the log; the operator gets the sentence.
        traceback.print_exc()
        said = f"{type(error).__name__}: {error}".removesuffix(": ")
        raise EngineUnfit(f"{who} cannot be loaded ({said}): mend or update that package.") from error
    lacking = [part for part in _PARTS if not hasattr(engine, part)]
    if lacking:
        raise EngineUnfit(f"{who} is no engine, it lacks {', '.join(lacking)}: mend or update that package.")
    return engine


def _package(point: EntryPoint) -> str:
    """The package that an entry point is of, with its version."""
    return "an unknown package" if point.dist is None else f"{point.dist.name} {point.dist.version}"
