"""HTTP connections that reach no address but those the policy allows, checked when they are made."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from ipaddress import ip_address
from threading import Thread
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from stillmotion.adapters.fetch.addresses import AddressPolicy
from stillmotion.adapters.fetch.urls import UrlGuard

DNS_DEADLINE = timedelta(seconds=5)
CONNECT_DEADLINE = timedelta(seconds=5)
LOOKUPS_AT_ONCE = 16
ADDRESSES_TRIED = 8
"""Of the many that a name may have."""
READ_BUFFER = 64 * 1024
USER_AGENT = "Stillmotion"

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

    @contextmanager
    def session(self) -> Iterator["GuardedSession"]:
        """A session whose failures are `NoAnswer`. Enter its `http` to use it."""
        session = GuardedSession(self)
        try:
            yield session
        except NoAnswer:
            raise
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise NoAnswer(session.trouble or _trouble(error)) from error


class GuardedSession(AbstractResolver):
    """One exchange's connections: resolves, checks every address, and remembers why it would not go on."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self.trouble: Trouble | None = None

    @property
    def _policy(self) -> AddressPolicy:
        return self._connections.guard.policy

    def http(self) -> aiohttp.ClientSession:
        """The client: nothing from the environment, nothing kept between requests, nothing decompressed."""
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
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            read_bufsize=READ_BUFFER,
        )

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 - aiohttp's signature; we ask for both
    ) -> list[ResolveResult]:
        """The name's addresses, if each of them may be connected to. Raises `OSError`."""
        found = await self._look_up(host)
        if not all(self._allows(address) for address in found):
            self.trouble = Trouble.BLOCKED
            raise OSError("refused")
        return [_resolved(host, port, address) for address in found[:ADDRESSES_TRIED]]

    async def close(self) -> None:
        """Nothing is held."""

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
        """Called for every connection, with the very address that it will go to."""
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
    return Trouble.UNREACHABLE if isinstance(error, aiohttp.ClientConnectorError) else Trouble.BROKEN
