"""Policy of IP addresses: the public Internet, and the operator's exceptions."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

SPECIAL_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this host: connects to loopback on Linux
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; a cloud's metadata too
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's host agent, in public space
        "169.254.0.0/16",  # link-local: most clouds' metadata
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
"""IPv4 that is not the public Internet: IANA's special-purpose registry (RFC 6890), multicast, one cloud's agent."""

GLOBAL_V6 = IPv6Network("2000::/3")
"""The global unicast addresses of IPv6. All others are refused."""

SPECIAL_V6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarking
        "2001:db8::/32",
        "2002::/16",  # 6to4 carries an IPv4 address
        "2620:4f:8000::/48",
        "3ffe::/16",
        "3fff::/20",
    )
)
"""Blocks inside `GLOBAL_V6` that are not the public Internet (the same registry, for IPv6)."""

_ISATAP = (0x00005EFE, 0x02005EFE)
"""The upper half of an interface identifier that carries an IPv4 address (RFC 5214)."""


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks from texts like `10.0.0.0/8`, `::1/128` or a bare address. Raises `ValueError` that names a bad text."""
    return tuple(ip_network(text.strip()) for text in texts)


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """The public Internet, without the networks in `deny` and with those in `allow`. `deny` wins."""

    allow: tuple[Network, ...] = ()
    deny: tuple[Network, ...] = ()

    def allows(self, address: Address) -> bool:
        """True if a connection may be made to that address."""
        if any(address in network for network in self.deny):
            return False
        return any(address in network for network in self.allow) or is_public(address)


def is_public(address: Address) -> bool:
    """True for an address of the public Internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in SPECIAL_V4)
    if address not in GLOBAL_V6 or any(address in network for network in SPECIAL_V6):
        return False
    return (int(address) >> 32) & 0xFFFFFFFF not in _ISATAP
