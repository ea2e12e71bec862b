"""Logging of the service: one event a line on standard error, as JSON unless it is a terminal."""

import io
import logging
import math
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO, cast

import structlog

QUIET_SECONDS = 60.0
"""Time for which the same complaint is not written again."""
MOST_REPEATS = 1000
"""Complaints that are remembered before old ones are forgotten."""


class Unbreakable:
    """Stream that drops text on an error: a full disk or a closed pipe must not end a render."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text, or drop it."""
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the text, or drop it."""
        with suppress(OSError, ValueError):
            self._stream.flush()


class Repeats:
    """Processor that drops a complaint said within a minute: an outage of hours must not fill a disk.

    A complaint is an event with a `why`. The next one that is written tells by `repeated` how many were dropped.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said: dict[tuple[tuple[str, str], ...], tuple[float, int]] = {}

    def __call__(
        self, logger: structlog.typing.WrappedLogger, method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        """See `structlog.typing.Processor`."""
        del logger
        if "why" not in event or event.get("exc_info"):
            return event
        now = self._clock()
        whole = (("level", method), *((name, repr(value)) for name, value in sorted(event.items())))
        before, dropped = self._said.get(whole, (-math.inf, 0))
        if now - before < QUIET_SECONDS:
            self._said[whole] = before, dropped + 1
            raise structlog.DropEvent
        if len(self._said) >= MOST_REPEATS:
            self._said = {each: said for each, said in self._said.items() if now - said[0] < QUIET_SECONDS}
        self._said[whole] = now, 0
        return {**event, "repeated": dropped} if dropped else event


def configure(level: str, form: str) -> None:
    """Set up logging for this process. `form` is json, console, or auto: console where standard error is a terminal."""
    stream = cast("TextIO", Unbreakable(sys.stderr))
    for_people = form == "console" or (form == "auto" and sys.stderr.isatty())
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(sort_keys=False, colors=sys.stderr.isatty(), exception_formatter=_write_traceback)
        if for_people
        else structlog.processors.JSONRenderer()
    )
    bound = structlog.contextvars.merge_contextvars
    marked: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last = _on_one_line if for_people else structlog.processors.format_exc_info
    structlog.configure(
        processors=[bound, Repeats(), *marked, last, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[bound, *marked],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                last,
                renderer,
            ],
        )
    )
    logging.basicConfig(
        level=max(logging.WARNING, logging.getLevelNamesMapping()[level.upper()]), handlers=[handler], force=True
    )
    # It warns of the end of a pipeline whose connection was lost, besides the error that it raises.
    logging.getLogger("psycopg").setLevel(logging.ERROR)


def _on_one_line(
    logger: structlog.typing.WrappedLogger, method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Escape the control characters in the event's name and those of its values, which the renderer leaves as is."""
    del logger, method
    return {_escaped(name): _escaped(value) if name == "event" else value for name, value in event.items()}


def _write_traceback(out: TextIO, error: structlog.typing.ExcInfo) -> None:
    """Write an indented traceback with control characters escaped: no line of a message can pass for an event."""
    whole = io.StringIO()
    structlog.dev.plain_traceback(whole, error)
    lines = whole.getvalue().strip("\n").split("\n")
    out.write("\n" + "\n".join("    " + _escaped(line) for line in lines))


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text)
