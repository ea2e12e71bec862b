"""DNS resolver: lookups through the system's name servers or configured ones, without threads, cancellable."""

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from itertools import chain, zip_longest

from aiodns import DNSResolver
from aiodns.error import DNSError
from pycares import AddrInfoResult, errno

RESEND_SECONDS, SENDS = 1.0, 5
"""A query is repeated after `RESEND_SECONDS`, then each time after twice the last interval (c-ares shortens it for a
server known to be fast). With so many repeats the caller's deadline ends a lookup first."""

QUESTIONS_EACH = 64
"""Lookups after which a resolver is replaced: c-ares caches every answer, however large."""

_SERVER = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::([0-9]{1,5}))?|([0-9.]+)(?::([0-9]{1,5}))?|([0-9A-Fa-f:]+)", re.ASCII)


@dataclass(slots=True)
class _Resolver:
    """A c-ares resolver with the counts of its lookups. `has_given_up`: the caller of a lookup was cancelled."""

    asked: DNSResolver
    questions: int = 0
    under_way: int = 0
    has_given_up: bool = False


@dataclass(slots=True)
class NameServers:
    """`Lookup` through c-ares, which needs no thread per name: a name that is never answered blocks no other.

    There is no timeout: the caller cancels. The system's settings apply (hosts file, name servers, search domains);
    `servers`, from `parse_name_servers`, replace the system's. For one event loop.

    A cancelled lookup stays open inside c-ares. So its resolver is closed, with all that it still waits for, as soon as
    no other lookup uses it.
    """

    servers: tuple[str, ...] = ()
    _resolver: _Resolver | None = field(default=None, init=False)

    async def __call__(self, name: str) -> list[str]:
        """The addresses of `name`, as `Lookup` says."""
        resolver = self._next()
        resolver.questions += 1
        resolver.under_way += 1
        try:
            found = await resolver.asked.getaddrinfo(name, type=socket.SOCK_STREAM)
        except DNSError as error:
            raise _as_system_error(error) from error
        except BaseException:
            resolver.has_given_up = True
            raise
        finally:
            resolver.under_way -= 1
            await self._close_used_up(resolver)
        return _addresses(found)

    def _next(self) -> _Resolver:
        if self._resolver is None or self._resolver.questions >= QUESTIONS_EACH:
            self._resolver = _Resolver(DNSResolver(self.servers or None, timeout=RESEND_SECONDS, tries=SENDS))
        return self._resolver

    async def _close_used_up(self, resolver: _Resolver) -> None:
        if resolver.under_way or not (resolver.has_given_up or resolver.questions >= QUESTIONS_EACH):
            return
        if resolver is self._resolver:
            self._resolver = None
        await resolver.asked.close()


def parse_name_servers(texts: Sequence[str]) -> tuple[str, ...]:
    """Name servers from texts like `10.0.0.2`, `10.0.0.2:5353`, `fd00::2` or `[fd00::2]:5353`, in c-ares' form.

    Raises `ValueError` that names a bad text.
    """
    return tuple(_server(text.strip()) for text in texts)


def _server(text: str) -> str:
    found = _SERVER.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no address of a name server")
    bracketed, its_port, v4, port, v6 = found.groups()
    address = ip_address(bracketed or v4 or v6)
    number = int(its_port or port or 53)
    if not 0 < number < 1 << 16:
        raise ValueError(f"{text!r} has a port that cannot be")
    return f"[{address}]:{number}" if address.version == 6 else f"{address}:{number}"


def _addresses(found: AddrInfoResult) -> list[str]:
    """The addresses, IPv6 and IPv4 alternating: where one family is unreachable, the other is tried next."""
    texts = [node.addr[0].decode("ascii") for node in found.nodes]
    in_turn = zip_longest([each for each in texts if ":" in each], [each for each in texts if ":" not in each])
    return [each for each in chain.from_iterable(in_turn) if each is not None]


def _as_system_error(error: Exception) -> OSError:
    """The error as `socket.getaddrinfo` would raise it: unknown name, or failing name service."""
    code, *_ = error.args
    if code in {errno.ARES_ENOTFOUND, errno.ARES_ENODATA, errno.ARES_EBADNAME}:
        return socket.gaierror(socket.EAI_NONAME, "the name is not known")
    if code == errno.ARES_ECANCELLED:
        return TimeoutError("given up")
    return socket.gaierror(socket.EAI_AGAIN, "the name service fails, or does not answer")
