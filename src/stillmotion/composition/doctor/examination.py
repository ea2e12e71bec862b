"""Order of the checks, each of which is a finding."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from stillmotion.composition.doctor import machine
from stillmotion.composition.doctor.directory import Finding, database, log_support, place, privacy
from stillmotion.config import Settings
from stillmotion.domain.errors import StillmotionError

Examination = tuple[str, Callable[[Settings], Finding]]
"""The name of a check, and the check."""

CHECKS: Final[Sequence[Examination]] = (
    ("python", machine.interpreter),
    ("sqlite", machine.sqlite),
    ("settings", machine.set_up),
    ("open files", machine.open_files),
    ("data directory", place),
    ("private files", privacy),
    ("free space", machine.free_space),
    ("write-ahead log", log_support),
    ("database", database),
    ("storage", machine.storage),
    ("depth", machine.depth),
)
"""Checks that need no render and no model."""

QUICK: Final[Sequence[Examination]] = tuple(each for each in CHECKS if each[0] != "database")
"""Checks that take a second at most, so that a running service makes them now and then.

The check of the database reads the whole file.
"""


def examine(settings: Settings, checks: Sequence[Examination] = CHECKS) -> Iterator[Finding]:
    """Run every check in turn. A check that raises is a finding of its own, and the others still run."""
    for name, check in checks:
        try:
            yield check(settings)
        except StillmotionError as error:
            yield Finding(name, str(error), "Do what the sentence says, then look again.")
        except Exception as error:
            yield Finding(name, f"{type(error).__name__}: {error}", "This should not happen: please report it.")
