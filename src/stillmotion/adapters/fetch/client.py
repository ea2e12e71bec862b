"""Guarded HTTP client: every connection's address is checked against the policy at the moment it is made (SSRF)."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from importlib.metadata import version
from ipaddress import ip_address
from typing import Any

import aiohttp
from aiohttp import http_exceptions
from aiohttp.abc import AbstractResolver, ResolveResult

from stillmotion.adapters.fetch.addresses import AddressPolicy
from stillmotion.adapters.fetch.resolver import NameServers
from stillmotion.adapters.fetch.urls import UrlGuard

CONNECT_DEADLINE = timedelta(seconds=5)

ADDRESSES_TRIED = 8
"""Addresses of a host name that are connected to, of the many that it may have."""

HEADER_BYTES = 64 * 1024
"""Limit of one response header, name and value. Some sites' content security policies take 12 kB."""

HEADERS = 256
"""Limit of the number of headers of one response."""

DNS_DEADLINE = timedelta(seconds=5)

READ_BUFFER = 64 * 1024

Lookup = Callable[[str], Awaitable[Sequence[str]]]
"""All addresses of a host name, as text. Raises `OSError`; `socket.gaierror` if the name service gives a reason."""

AddressInfo = tuple[Any, ...]
"""Item of `socket.getaddrinfo`: family, type, protocol, canonical name, socket address."""

NewSocket = Callable[[AddressInfo], socket.socket]


class Trouble(StrEnum):
    """Cause of a missing response."""

    BLOCKED = "blocked"
    UNKNOWN_NAME = "unknown_name"
    NO_NAME_SERVICE = "no_name_service"
    UNREACHABLE = "unreachable"
    INSECURE = "insecure"
    TIMEOUT = "timeout"
    BROKEN = "broken"
    ENDLESS_HEAD = "endless_head"


class NoResponse(Exception):
    """No HTTP response came. The exception holds no address, so that it may be shown."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble)
        self.trouble = trouble


def new_socket(info: AddressInfo) -> socket.socket:
    """A socket of the address's family and type."""
    return socket.socket(info[0], info[1], info[2])


@dataclass(frozen=True, slots=True)
class Connections:
    """Factory of guarded sessions. `lookup`, `socket` and `tls` are seams for tests and for private root certificates.

    `contact` is the operator's address that outgoing requests name (`user_agent`).
    """

    guard: UrlGuard = field(default_factory=UrlGuard)
    lookup: Lookup = field(default_factory=NameServers)
    socket: NewSocket = new_socket
    tls: ssl.SSLContext | None = None
    dns_deadline: timedelta = DNS_DEADLINE
    contact: str = ""

    def session(self) -> AbstractContextManager["GuardedSession"]:
        """A session for one exchange. Inside the block, failures to connect or to read become `NoResponse`."""
        return _guarded(self)


def user_agent(contact: str = "") -> str:
    """The User-Agent header. Some hosts, such as Wikimedia's, refuse requests that name no contact."""
    product = f"Stillmotion/{version('stillmotion')}"
    return f"{product} (+{contact})" if contact else product


@contextmanager
def _guarded(connections: Connections) -> Iterator["GuardedSession"]:
    """The context manager behind `Connections.session`."""
    session = GuardedSession(connections)
    try:
        yield session
    except NoResponse:
        raise
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise NoResponse(session.trouble or _trouble(error)) from error


class GuardedSession(AbstractResolver):
    """The connections of one exchange: resolver and socket factory that check every address.

    `trouble` is the cause of the last refusal or failed lookup.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self.trouble: Trouble | None = None

    @property
    def _policy(self) -> AddressPolicy:
        return self._connections.guard.policy

    def http(self) -> aiohttp.ClientSession:
        """The HTTP client: no proxy of the environment, no cookies, no connection kept, nothing decompressed."""
        connector = aiohttp.TCPConnector(
            resolver=self,
            use_dns_cache=False,
            force_close=True,
            socket_factory=self._open_socket,
            ssl=self._connections.tls or True,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(
                total=None,
                connect=(self._connections.dns_deadline + CONNECT_DEADLINE).total_seconds(),
                sock_connect=CONNECT_DEADLINE.total_seconds(),
            ),
            headers={"User-Agent": user_agent(self._connections.contact), "Accept-Encoding": "identity"},
            read_bufsize=READ_BUFFER,
            max_line_size=HEADER_BYTES,
            max_field_size=HEADER_BYTES,
            max_headers=HEADERS,
        )

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 - aiohttp's signature; we ask for both
    ) -> list[ResolveResult]:
        """The host's addresses. Raises `OSError`, also if one of them may not be connected to."""
        found = await self._look_up(host)
        if not all(self._allows(address) for address in found):
            self.trouble = Trouble.BLOCKED
            raise OSError("refused")
        return [_resolved(host, port, address) for address in found[:ADDRESSES_TRIED]]

    async def close(self) -> None:
        """Do nothing: there is nothing to close (aiohttp's interface)."""

    async def _look_up(self, host: str) -> Sequence[str]:
        try:
            async with asyncio.timeout(self._connections.dns_deadline.total_seconds()):
                found = await self._connections.lookup(host)
        except socket.gaierror as error:
            unknown = error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
            self.trouble = Trouble.UNKNOWN_NAME if unknown else Trouble.NO_NAME_SERVICE
            raise
        except (OSError, TimeoutError):
            self.trouble = Trouble.NO_NAME_SERVICE
            raise OSError("no answer from the name service") from None
        if not found:
            self.trouble = Trouble.UNKNOWN_NAME
            raise OSError("no address")
        return found

    def _open_socket(self, info: AddressInfo) -> socket.socket:
        """The socket for a connection. aiohttp calls this with the very address that it will connect to.

        The second check of the address: DNS rebinding cannot get between it and the connection.
        """
        if not self._allows(info[4][0]):
            self.trouble = Trouble.BLOCKED
            raise OSError("refused")
        return self._connections.socket(info)

    def _allows(self, address: str) -> bool:
        try:
            return self._policy.allows(ip_address(address))
        except ValueError:
            return False


def _resolved(host: str, port: int, address: str) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=flags)


def _trouble(error: Exception) -> Trouble:
    if isinstance(error, TimeoutError):
        return Trouble.TIMEOUT
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return Trouble.INSECURE
    if isinstance(error, aiohttp.ClientConnectorError):
        return Trouble.UNREACHABLE
    return Trouble.ENDLESS_HEAD if _is_of_an_endless_head(error) else Trouble.BROKEN


def _is_of_an_endless_head(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, http_exceptions.LineTooLong) or "Too many headers" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False
