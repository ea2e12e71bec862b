"""Setup for all tests: logging, signals, asyncio, the garbage collector, and a user who has pulled nothing."""

import gc
import os
import signal
from collections.abc import Generator, Iterator

import hypothesis
import pytest
import structlog

from tests.s3_servers import moto, seaweedfs

__all__ = ["moto", "seaweedfs"]

# Log output is the service's, but without the values of variables: rendering those of a whole stack takes seconds.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)

# A busy machine stops a process for longer than any deadline of one example.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

# A depth network that the developer has pulled would be found, and would change what clips look like.
os.environ["XDG_DATA_HOME"] = "/nonexistent"

# A background process inherits SIGINT as ignored, and the programs that the tests start would inherit it in turn.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect tests without the garbage collector, and keep it from them afterwards: looks at them are in vain."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The event loop of async tests: asyncio, as in the service."""
    return "asyncio"


@pytest.fixture(autouse=True)
def _logging_kept() -> Iterator[None]:
    """Logging as it was before each test: a command that runs in this process sets up its own."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)
