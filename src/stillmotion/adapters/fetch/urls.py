"""Addresses that strangers give, read once and strictly; what is asked for is rebuilt from the parts."""

import re
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address, IPv6Address

import idna

from stillmotion.adapters.fetch.addresses import Address, AddressPolicy
from stillmotion.domain.errors import InvalidRequest, Problem
from stillmotion.domain.request import URL_MAX_CHARACTERS

DEFAULT_PORTS = frozenset({80, 443})

_SCHEME_PORTS = (("http", 80), ("https", 443))
_HOST_MAX_CHARACTERS = 253
_MAX_PORT = 65535

_AROUND = " \t\n\v\f\r"
"""What is cut off at an address's ends, where copying puts it."""

_NEVER = re.compile("[\x00-\x1f\x7f-\x9f\\\\\u2028\u2029\ud800-\udfff]")
"""Controls, line ends, backslashes, lone surrogates: parsers disagree about them."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):", re.ASCII)
_AUTHORITY = re.compile(r"//([^/?#]*)([^#]*)")
_BRACKETED = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::([0-9]*))?", re.ASCII)
_NAMED = re.compile(r"([^:\[\]]+)(?::([0-9]*))?", re.ASCII)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_TO_ESCAPE = re.compile('[^\x21-\x7e]|["<>^`{|}]|%(?![0-9A-Fa-f]{2})')
"""What RFC 3986 has no place for: spaces, letters beyond ASCII, a percent sign that escapes nothing."""
_TO_ESCAPE_IN_PATHS = re.compile(_TO_ESCAPE.pattern + r"|[\[\]]")
"""In a query brackets are sent as browsers send them."""

_PRIVATE_SUFFIX = re.compile(
    "alt|arpa|cluster|consul|corp|default|dhcp|docker|domain|example|gateway|home|i2p|internal|intranet|invalid|"
    "k8s|kube|kubernetes|lan|local|localdomain|localhost|localnet|lxd|mail|mesh|nomad|onion|pod|private|router|"
    "svc|test|vm|workgroup"
)
"""Top levels that no public name is under (RFC 6761, RFC 6762, ICANN's `internal`), and those that networks, clusters
and containers make up: `kubernetes.default.svc` and `kubernetes.default` are looked up in a cluster's own domain.
"""

_WORDS = (
    ("url_too_long", f"is longer than {URL_MAX_CHARACTERS} characters: use a shorter address"),
    ("invalid_url", "is not a valid URL: give an address like https://example.com/picture.jpg"),
    ("scheme_not_allowed", "must begin with http:// or https://"),
    ("url_not_allowed", "points inside a private network, where this server does not go: use a public address"),
    ("port_not_allowed", "names a port that this server does not connect to: leave the port out"),
)


class UrlRefused(Exception):
    """An address that will never be asked. `code` is for programs; `remedy` is a sentence without its subject."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
        self.remedy = dict(_WORDS)[code]


@dataclass(frozen=True, slots=True)
class Target:
    """An address taken apart. `host` is ASCII and lower case, `path` begins with a slash and holds the query."""

    scheme: str
    host: str
    port: int
    path: str
    address: Address | None

    @property
    def url(self) -> str:
        """The address put together again: what is sent, and nothing else."""
        host = f"[{self.host}]" if isinstance(self.address, IPv6Address) else self.host
        port = "" if (self.scheme, self.port) in _SCHEME_PORTS else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"


def parse(text: str) -> Target:
    """Take an address apart. Raises `UrlRefused` for what two parsers might read differently.

    White space around it is cut off; in its path and query it is escaped, as other characters are that cannot be sent.
    """
    if len(text) > URL_MAX_CHARACTERS:
        raise UrlRefused("url_too_long")
    text = text.strip(_AROUND)
    scheme = _SCHEME.match(text)
    if _NEVER.search(text) or scheme is None:
        raise UrlRefused("invalid_url")
    ports = dict(_SCHEME_PORTS)
    name = scheme[1].lower()
    if name not in ports:
        raise UrlRefused("scheme_not_allowed")
    rest = _AUTHORITY.match(text, scheme.end())
    if rest is None:
        raise UrlRefused("invalid_url")
    authority, path = rest[1], rest[2]
    bracketed = _BRACKETED.fullmatch(authority)
    found = bracketed or _NAMED.fullmatch(authority)
    if found is None or "@" in authority or "%" in authority:
        raise UrlRefused("invalid_url")
    host, address = _six(found[1]) if bracketed else _host(found[1])
    return Target(name, host, _port(found[2], ports[name]), _path(path), address)


def _six(text: str) -> tuple[str, Address]:
    try:
        address = IPv6Address(text)
    except AddressValueError:
        raise UrlRefused("invalid_url") from None
    return str(address), address


def _host(text: str) -> tuple[str, Address | None]:
    """A name in ASCII, or an address in four plain decimals; anything else that looks like a number is refused."""
    if len(text) > _HOST_MAX_CHARACTERS + 1:
        raise UrlRefused("invalid_url")
    name = text.lower() if text.isascii() else _mapped(text)
    if _NUMBER.fullmatch(name.removesuffix(".").rpartition(".")[2]):
        if not text.isascii():
            raise UrlRefused("invalid_url")
        try:
            return name, IPv4Address(name)
        except AddressValueError:
            raise UrlRefused("invalid_url") from None
    host = ".".join(_label(label) for label in name.removesuffix(".").split("."))
    if len(host) > _HOST_MAX_CHARACTERS:
        raise UrlRefused("invalid_url")
    return host, None


def _mapped(text: str) -> str:
    """The name as UTS 46 folds it (case, width, compatibility forms), without the old exceptions for ß and ς.

    Raises `UrlRefused` for characters that nobody sees: some parsers drop them, others do not.
    """
    try:
        mapped = idna.uts46_remap(text, std3_rules=False, transitional=False)
        is_all_seen = all(character.isascii() or _folded(character) for character in text)
    except idna.IDNAError:
        raise UrlRefused("invalid_url") from None
    if not is_all_seen:
        raise UrlRefused("url_not_allowed" if _is_private(mapped) else "invalid_url")
    return mapped


def _folded(character: str) -> str:
    return idna.uts46_remap(character, std3_rules=False, transitional=False)


def _label(label: str) -> str:
    try:
        ascii_label = label if label.isascii() else idna.alabel(label).decode("ascii")
        if ascii_label.startswith("xn--"):
            idna.ulabel(ascii_label)
    except (idna.IDNAError, UnicodeError):
        raise UrlRefused("invalid_url") from None
    if not _LABEL.fullmatch(ascii_label):
        raise UrlRefused("invalid_url")
    return ascii_label


def _port(digits: str | None, usual: int) -> int:
    if not digits:
        return usual
    significant = digits.lstrip("0") or "0"
    if len(significant) > len(str(_MAX_PORT)) or int(significant) > _MAX_PORT:
        raise UrlRefused("invalid_url")
    return int(significant)


def _path(path: str) -> str:
    """Path and query as they were given: only what cannot be sent is escaped, and no escape is touched."""
    before, mark, query = path.partition("?")
    escaped = _TO_ESCAPE_IN_PATHS.sub(_escaped, before) + mark + _TO_ESCAPE.sub(_escaped, query)
    return escaped if escaped.startswith("/") else f"/{escaped}"


def _escaped(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode())


@dataclass(frozen=True, slots=True)
class UrlGuard:
    """`UrlRules`, and the same again for every redirect. `ports` is None where any may be named."""

    policy: AddressPolicy = field(default_factory=AddressPolicy)
    ports: frozenset[int] | None = DEFAULT_PORTS

    def check(self, field: str, url: str) -> None:
        """Raise `InvalidRequest` that names `field` for a URL that will never be fetched."""
        try:
            self.admit(url)
        except UrlRefused as refused:
            raise InvalidRequest(Problem(field, refused.remedy)) from None

    def admit(self, url: str) -> Target:
        """The address taken apart, if its text alone is no reason against it. Raises `UrlRefused`."""
        target = parse(url)
        if target.address is not None:
            if not self.policy.allows(target.address):
                raise UrlRefused("url_not_allowed")
        elif not self.policy.allow and _is_private(target.host):
            # Where the operator allows private networks, their names are judged by where they lead.
            raise UrlRefused("url_not_allowed")
        if self.ports is not None and target.port not in self.ports:
            raise UrlRefused("port_not_allowed")
        return target


def _is_private(host: str) -> bool:
    _, dot, last = host.rpartition(".")
    return not dot or _PRIVATE_SUFFIX.fullmatch(last) is not None
