"""HTTP connections that reach no address but those the policy allows, checked when they are made."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING, Any

from stillmotion.adapters.fetch.urls import UrlGuard

if TYPE_CHECKING:
    from stillmotion.adapters.fetch.session import GuardedSession

DNS_DEADLINE = timedelta(seconds=5)
LOOKUPS_AT_ONCE = 16
READ_BUFFER = 64 * 1024

Lookup = Callable[[str], Awaitable[Sequence[str]]]
"""All addresses of a host name, as text. Raises `OSError`, `socket.gaierror` where the name service says why."""

AddressInfo = tuple[Any, ...]
"""As `socket.getaddrinfo` has it: family, type, protocol, name, and the socket address."""

NewSocket = Callable[[AddressInfo], socket.socket]


class Trouble(StrEnum):
    """Why there is no answer."""

    BLOCKED = "blocked"
    UNKNOWN_NAME = "unknown_name"
    NO_NAME_SERVICE = "no_name_service"
    UNREACHABLE = "unreachable"
    INSECURE = "insecure"
    TIMEOUT = "timeout"
    BROKEN = "broken"


class NoAnswer(Exception):
    """No HTTP answer came. Holds no address: it may be shown."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble)
        self.trouble = trouble


class SystemLookup:
    """The system's resolver, on threads of its own: names that hang keep neither others nor the exit waiting."""

    def __init__(self, at_once: int = LOOKUPS_AT_ONCE) -> None:
        self._free = asyncio.Semaphore(at_once)

    async def __call__(self, name: str) -> list[str]:
        """`Lookup`."""
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[str]] = loop.create_future()

        def settle(found: list[str] | OSError) -> None:
            self._free.release()
            if answer.done():
                return
            if isinstance(found, OSError):
                answer.set_exception(found)
            else:
                answer.set_result(found)

        def look_up() -> None:
            # The loop may be closed by the time that a slow answer comes.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, _addresses(name))

        Thread(target=look_up, name="lookup", daemon=True).start()
        return await answer


def _addresses(name: str) -> list[str] | OSError:
    try:
        found = socket.getaddrinfo(name.encode("ascii"), None, type=socket.SOCK_STREAM)
    except OSError as error:
        return error
    return [str(info[4][0]) for info in found]


def new_socket(info: AddressInfo) -> socket.socket:
    """A socket of the kind that the address needs."""
    return socket.socket(info[0], info[1], info[2])


@dataclass(frozen=True, slots=True)
class Connections:
    """Makes sessions that are guarded. `lookup`, `socket` and `tls` are seams for tests and for private roots."""

    guard: UrlGuard = field(default_factory=UrlGuard)
    lookup: Lookup = field(default_factory=SystemLookup)
    socket: NewSocket = new_socket
    tls: ssl.SSLContext | None = None
    dns_deadline: timedelta = DNS_DEADLINE

    def session(self) -> AbstractContextManager["GuardedSession"]:
        """A session whose failures are `NoAnswer`. Enter its `http` to use it."""
        from stillmotion.adapters.fetch.session import guarded  # noqa: PLC0415 - see load_client

        return guarded(self)


def load_client() -> None:
    """Import the HTTP client now, on this thread: with a fifth of a start's time it is not for the first fetch."""
    import_module("aiohttp")
