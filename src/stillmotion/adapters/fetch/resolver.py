"""Looking up host names, by the system's name servers or by others, in a way that can be ended."""

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
"""A question is sent again after this time at first, later after twice the last. Less, where its server is known to be
fast. The number is so large that whoever asks gives up before."""

QUESTIONS_EACH = 64
"""Names that one resolver is asked for: it keeps the answers, however large they are."""

_SERVER = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::([0-9]{1,5}))?|([0-9.]+)(?::([0-9]{1,5}))?|([0-9A-Fa-f:]+)", re.ASCII)


@dataclass(slots=True)
class _Resolver:
    """A resolver, how many questions it was asked, and whether there may be one that nobody waits for any more."""

    asked: DNSResolver
    questions: int = 0
    under_way: int = 0
    has_given_up: bool = False


@dataclass(slots=True)
class NameServers:
    """`Lookup` by a resolver that holds no thread for a name: one that is never answered keeps no other waiting.

    How long to wait is for the asker to say, who cancels. The system's settings are followed: file of hosts, name
    servers, search domains. `servers` are asked in place of the system's: `parse_name_servers` gives them. A resolver
    with which a lookup was given up goes when nobody waits for it any more, and all that it still waits for goes with
    it. For one event loop.
    """

    servers: tuple[str, ...] = ()
    _resolver: _Resolver | None = field(default=None, init=False)

    async def __call__(self, name: str) -> list[str]:
        """`Lookup`."""
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
    """Name servers from `10.0.0.2`, `10.0.0.2:5353`, `fd00::2` or `[fd00::2]:5353`, as a resolver takes them.

    Raises `ValueError` that names the bad one.
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
    """The addresses, those of either family in turn: where one family leads nowhere, the other is not far."""
    texts = [node.addr[0].decode("ascii") for node in found.nodes]
    in_turn = zip_longest([each for each in texts if ":" in each], [each for each in texts if ":" not in each])
    return [each for each in chain.from_iterable(in_turn) if each is not None]


def _as_system_error(error: Exception) -> OSError:
    """As `socket.getaddrinfo` says it: a name that is not there, or a name service that does not work."""
    code, *_ = error.args
    if code in {errno.ARES_ENOTFOUND, errno.ARES_ENODATA, errno.ARES_EBADNAME}:
        return socket.gaierror(socket.EAI_NONAME, "the name is not known")
    if code == errno.ARES_ECANCELLED:
        return TimeoutError("given up")
    return socket.gaierror(socket.EAI_AGAIN, "the name service fails, or does not answer")
