"""Order of the checks, each of which is a finding."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from stillmotion.composition.doctor import machine, shared
from stillmotion.composition.doctor.directory import Finding, database, log_support, place, privacy
from stillmotion.config import Settings
from stillmotion.config.store_urls import is_shared
from stillmotion.domain.errors import StillmotionError

Examination = tuple[str, Callable[[Settings], Finding | Iterable[Finding]]]
"""The name of a check, and the check. It finds one thing, or several."""

_OF_DIRECTORY: Final[Sequence[Examination]] = (
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
_OF_FLEET: Final[Sequence[Examination]] = (
    ("python", machine.interpreter),
    ("settings", machine.set_up),
    ("fleet", shared.complete),
    ("open files", machine.open_files),
    ("free space", machine.free_space),
    ("database", shared.server),
    ("storage", machine.storage),
    ("depth", machine.depth),
)


def checks(settings: Settings) -> Sequence[Examination]:
    """Checks that need no render and no model."""
    return _OF_FLEET if is_shared(settings.store) else _OF_DIRECTORY


def quick_checks(settings: Settings) -> Sequence[Examination]:
    """Checks that take a second or two at most, so that a running service makes them now and then.

    The check of a SQLite database reads the whole file.
    """
    return checks(settings) if is_shared(settings.store) else [each for each in _OF_DIRECTORY if each[0] != "database"]


def examine(settings: Settings, checks: Sequence[Examination]) -> Iterator[Finding]:
    """Run every check in turn. A check that raises is a finding of its own, and the others still run."""
    for name, check in checks:
        try:
            found = check(settings)
            yield from (found,) if isinstance(found, Finding) else found
        except StillmotionError as error:
            yield Finding(name, str(error), "Do what the sentence says, then look again.")
        except Exception as error:
            yield Finding(name, f"{type(error).__name__}: {error}", "This should not happen: please report it.")
