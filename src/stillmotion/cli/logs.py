"""How the service logs: one event a line on standard error, JSON unless a person is watching."""

import logging
import sys
from contextlib import suppress
from typing import TextIO, cast

import structlog


class Unbreakable:
    """A stream that takes what it can: a full disk or a reader that is gone must not end a render."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or lose the text."""
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, or lose the text."""
        with suppress(OSError, ValueError):
            self._stream.flush()


def configure(level: str, form: str) -> None:
    """Set up logging for this process. `form` is json, console, or auto: console where standard error is a terminal."""
    stream = cast("TextIO", Unbreakable(sys.stderr))
    for_people = form == "console" or (form == "auto" and sys.stderr.isatty())
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(sort_keys=False, exception_formatter=structlog.dev.plain_traceback)
        if for_people
        else structlog.processors.JSONRenderer()
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    errors = structlog.processors.format_exc_info
    structlog.configure(
        processors=[*shared, *([] if for_people else [errors]), renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *([] if for_people else [errors]),
                renderer,
            ],
        )
    )
    logging.basicConfig(
        level=max(logging.WARNING, logging.getLevelNamesMapping()[level.upper()]), handlers=[handler], force=True
    )
