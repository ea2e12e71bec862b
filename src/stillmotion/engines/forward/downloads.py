"""Clip downloads: the addresses that a server may give for a finished clip, and the connection to each."""

import asyncio
import errno
import ipaddress
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, urljoin

import aiohttp
from yarl import URL

from stillmotion.engines.forward.peer import OutOfReach, Retries

CONNECT_SECONDS, SILENT_SECONDS = 5.0, 30.0
"""To connect, and between two pieces of a file."""
MAX_REDIRECTS = 5

_LIMITS = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENT_SECONDS)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_AS_WRITTEN = "%!#$&'()*+,/:;=?@[]~"
"""Characters of an address that are sent as they are; the rest is percent-encoded (RFC 3986)."""


class ClipLinks:
    """Clip addresses, resolved against the base URL of the server that gives them.

    Another host is reached over https, or over http if the server's own address is http. It must be public; if the
    server itself is on a private network, such a network and this machine are allowed too. Only the server itself gets
    `headers`.
    """

    def __init__(self, base: str, headers: Mapping[str, str]) -> None:
        self._base = URL(base)
        self._headers = dict(headers)
        self._is_private: bool | None = None
        self._elsewhere: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def opened(self, url: str, own: aiohttp.ClientSession) -> AsyncIterator[aiohttp.ClientResponse]:
        """The response after all redirects; `own` is the session for the server itself.

        Raises `OutOfReach`, and aiohttp's errors if the server itself does not answer.
        """
        target = self._target(self._base, url)
        for _ in range(MAX_REDIRECTS + 1):
            async with self._asked(target, own) as answer:
                if answer.status not in _REDIRECTS:
                    yield answer
                    return
                target = self._target(target, answer.headers.get("Location", ""))
        raise OutOfReach("its address is redirected again and again", Retries.NONE)

    def is_own(self, url: URL) -> bool:
        """True if an address is on the server itself."""
        return url.origin() == self._base.origin()

    async def close(self) -> None:
        """Close the connections to other hosts."""
        if self._elsewhere is not None:
            await self._elsewhere.close()
            self._elsewhere = None

    def _target(self, beside: URL, url: str) -> URL:
        try:
            target = URL(urljoin(str(beside), quote(url.strip(), safe=_AS_WRITTEN)), encoded=True)
            port = target.port
        except ValueError as error:
            raise OutOfReach("its address cannot be read", Retries.NONE) from error
        if target.scheme not in {"http", "https"} or not target.host or not port or not url.strip():
            raise OutOfReach("its address is none of http or https", Retries.NONE)
        if target.scheme == "http" and self._base.scheme == "https":
            raise OutOfReach("its address is on another host without https", Retries.NONE)
        return target

    @asynccontextmanager
    async def _asked(self, target: URL, own: aiohttp.ClientSession) -> AsyncIterator[aiohttp.ClientResponse]:
        if self.is_own(target):
            async with own.get(target, headers=self._headers, timeout=_LIMITS, allow_redirects=False) as answer:
                yield answer
            return
        session, place = await self._session(), target.host_port_subcomponent
        try:
            async with session.get(target, timeout=_LIMITS, allow_redirects=False) as answer:
                if answer.status >= 400:
                    passes = answer.status in {408, 429} or answer.status >= 500
                    patience = Retries.TIME if passes else Retries.TRIES
                    raise OutOfReach(f"{place} answers {answer.status}", patience)
                yield answer
        except aiohttp.ClientPayloadError:
            raise
        except (aiohttp.InvalidURL, UnicodeError) as error:
            raise OutOfReach("its address cannot be read", Retries.NONE) from error
        except aiohttp.ClientSSLError as error:
            raise OutOfReach(f"no secure connection to {place} can be made: {error}", Retries.NONE) from error
        except aiohttp.ClientConnectorError as error:
            patience = Retries.NONE if error.os_error.errno == errno.EACCES else Retries.TIME
            raise OutOfReach(f"{place} cannot be reached: {error}", patience) from error
        except aiohttp.ClientError as error:
            raise OutOfReach(f"{place} does not answer: {error}", Retries.TIME) from error

    async def _session(self) -> aiohttp.ClientSession:
        if self._is_private is None:
            self._is_private = await self._is_on_a_private_network()
        if self._elsewhere is None:
            self._elsewhere = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(socket_factory=self._socket),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        return self._elsewhere

    async def _is_on_a_private_network(self) -> bool:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                found = await loop.getaddrinfo(self._base.host, self._base.port, type=socket.SOCK_STREAM)
        except (OSError, TimeoutError) as error:
            raise aiohttp.ClientConnectionError(f"{self._base.host} is not known") from error
        return not all(_address(sockaddr).is_global for *_, sockaddr in found)

    def _socket(self, info: tuple[Any, ...]) -> socket.socket:
        """A socket for one resolved address. Raises `PermissionError` if connecting to it is not allowed.

        The check is made on the address that is connected to, so that a name cannot resolve to another one in between
        (DNS rebinding).
        """
        family, kind, protocol, _, sockaddr = info
        address = _address(sockaddr)
        # Link-local addresses hold the metadata services of clouds, which give away credentials.
        if not address.is_global and (not self._is_private or address.is_link_local):
            raise PermissionError(errno.EACCES, f"{address} is not a public address")
        return socket.socket(family, kind, protocol)


def _address(sockaddr: tuple[Any, ...]) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    address = ipaddress.ip_address(str(sockaddr[0]).partition("%")[0])
    # ::ffff:127.0.0.1 is the loopback address too.
    return getattr(address, "ipv4_mapped", None) or address
