"""HTTP connections that reach no address but those the policy allows, checked when they are made."""

import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from stillmotion.adapters.fetch.resolver import NameServers
from stillmotion.adapters.fetch.urls import UrlGuard

if TYPE_CHECKING:
    from stillmotion.adapters.fetch.session import GuardedSession

DNS_DEADLINE = timedelta(seconds=5)
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
    ENDLESS_HEAD = "endless_head"


class NoAnswer(Exception):
    """No HTTP answer came. Holds no address: it may be shown."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble)
        self.trouble = trouble


def new_socket(info: AddressInfo) -> socket.socket:
    """A socket of the kind that the address needs."""
    return socket.socket(info[0], info[1], info[2])


@dataclass(frozen=True, slots=True)
class Connections:
    """Makes sessions that are guarded. `lookup`, `socket` and `tls` are seams for tests and for private roots.

    `contact` is what outgoing requests name as the address of who runs this (`user_agent`).
    """

    guard: UrlGuard = field(default_factory=UrlGuard)
    lookup: Lookup = field(default_factory=NameServers)
    socket: NewSocket = new_socket
    tls: ssl.SSLContext | None = None
    dns_deadline: timedelta = DNS_DEADLINE
    contact: str = ""

    def session(self) -> AbstractContextManager["GuardedSession"]:
        """A session whose failures are `NoAnswer`. Enter its `http` to use it."""
        from stillmotion.adapters.fetch.session import guarded  # noqa: PLC0415 - see load_client

        return guarded(self)


def user_agent(contact: str = "") -> str:
    """What outgoing requests say of who sends them: hosts such as Wikimedia's refuse those without a contact."""
    product = f"Stillmotion/{version('stillmotion')}"
    return f"{product} (+{contact})" if contact else product


def load_client() -> None:
    """Import the HTTP client now, on this thread: with a fifth of a start's time it is not for the first fetch."""
    import_module("aiohttp")
