"""URLs from strangers: a strict parser, the checks of their text, and the request's URL rebuilt from the parts."""

import re
from collections.abc import Mapping
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
"""White space that copying leaves around a URL. It is cut off."""

_NEVER = re.compile("[\x00-\x1f\x7f-\x9f\\\\\u2028\u2029\ud800-\udfff]")
"""Refused characters: controls, line ends, backslashes, lone surrogates. URL parsers disagree about them."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):", re.ASCII)
_AUTHORITY = re.compile(r"//([^/?#]*)([^#]*)")
_BRACKETED = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::([0-9]*))?", re.ASCII)
_NAMED = re.compile(r"([^:\[\]]+)(?::([0-9]*))?", re.ASCII)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_TO_ESCAPE = re.compile('[^\x21-\x7e]|["<>^`{|}]|%(?![0-9A-Fa-f]{2})')
"""Characters outside RFC 3986: spaces, letters beyond ASCII, a percent sign that escapes nothing."""
_TO_ESCAPE_IN_PATHS = re.compile(_TO_ESCAPE.pattern + r"|[\[\]]")
"""The same with square brackets. A query keeps them, as in browsers."""

_PRIVATE_SUFFIX = re.compile(
    "alt|arpa|cluster|consul|corp|default|dhcp|docker|domain|example|gateway|home|i2p|internal|intranet|invalid|"
    "k8s|kube|kubernetes|lan|local|localdomain|localhost|localnet|lxd|mail|mesh|nomad|onion|pod|private|router|"
    "svc|test|vm|workgroup"
)
"""Top-level labels without public names (RFC 6761, RFC 6762, ICANN's `internal`), and those that networks, clusters and
containers invent: `kubernetes.default.svc` and `kubernetes.default` are looked up in a cluster's own domain.
"""

_REMEDIES: Mapping[str, str] = {
    "url_too_long": f"is longer than {URL_MAX_CHARACTERS} characters: use a shorter address",
    "invalid_url": "is not a valid URL: give an address like https://example.com/path",
    "scheme_not_allowed": "must begin with http:// or https://",
    "url_not_allowed": "points inside a private network, where this server does not go: use a public address",
    "port_not_allowed": "names a port that this server does not connect to: leave the port out",
}
"""The rest of the sentence for each code, to stand behind the field's name."""

_NO_CREDENTIALS = "must have no user name and no password before the host: leave out what stands before the @"


class UrlRefused(Exception):
    """A URL that is refused by its text. `code` is for programs; `remedy` is a sentence without its subject."""

    def __init__(self, code: str, remedy: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.remedy = remedy or _REMEDIES[code]


@dataclass(frozen=True, slots=True)
class Target:
    """A parsed URL. `host` is ASCII and lower case, `path` begins with a slash and includes the query.

    `address` is the host as an IP address, None for a name.
    """

    scheme: str
    host: str
    port: int
    path: str
    address: Address | None

    @property
    def url(self) -> str:
        """The URL rebuilt from the parts: exactly what is requested."""
        host = f"[{self.host}]" if isinstance(self.address, IPv6Address) else self.host
        port = "" if (self.scheme, self.port) in _SCHEME_PORTS else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"


def parse(text: str) -> Target:
    """Parse a URL. Raises `UrlRefused` for a URL that two parsers might read differently.

    White space around it is cut off. In path and query, white space and other characters that cannot be sent are
    escaped.
    """
    text = text.strip(_AROUND)
    scheme = _SCHEME.match(text)
    if scheme is not None and len(text) > URL_MAX_CHARACTERS:
        raise UrlRefused("url_too_long")
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
    if "@" in authority:
        raise UrlRefused("invalid_url", _NO_CREDENTIALS)
    bracketed = _BRACKETED.fullmatch(authority)
    found = bracketed or _NAMED.fullmatch(authority)
    if found is None or "%" in authority:
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
    """A name in ASCII, or an IPv4 address in four plain decimals. Other forms of numbers (octal, hex) are refused."""
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
    """The name mapped by UTS 46 (case, width, compatibility forms), non-transitional: ß and ς stay.

    Raises `UrlRefused` for invisible characters: some parsers drop them, others do not.
    """
    try:
        mapped = idna.uts46_remap(text, std3_rules=False, transitional=False)
        is_visible = all(character.isascii() or _folded(character) for character in text)
    except idna.IDNAError:
        raise UrlRefused("invalid_url") from None
    if not is_visible:
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
    """Path and query as given. Only characters that cannot be sent are escaped; existing escapes stay."""
    before, mark, query = path.partition("?")
    escaped = _TO_ESCAPE_IN_PATHS.sub(_escaped, before) + mark + _TO_ESCAPE.sub(_escaped, query)
    return escaped if escaped.startswith("/") else f"/{escaped}"


def _escaped(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode())


@dataclass(frozen=True, slots=True)
class UrlGuard:
    """`UrlRules`, for submitted URLs and for redirects alike. With `ports` None, every port is allowed."""

    policy: AddressPolicy = field(default_factory=AddressPolicy)
    ports: frozenset[int] | None = DEFAULT_PORTS

    def check(self, field: str, url: str) -> None:
        """Raise `InvalidRequest` that names `field` if the URL would never be fetched."""
        try:
            self.admit(url)
        except UrlRefused as refused:
            raise InvalidRequest(Problem(field, refused.remedy)) from None

    def admit(self, url: str) -> Target:
        """The parsed URL. Raises `UrlRefused` if its text alone rules it out; names are resolved later."""
        target = parse(url)
        if target.address is not None:
            if not self.policy.allows(target.address):
                raise UrlRefused("url_not_allowed")
        elif not self.policy.allow and _is_private(target.host):
            # With private networks allowed, their names are judged by the addresses that they resolve to.
            raise UrlRefused("url_not_allowed")
        if self.ports is not None and target.port not in self.ports:
            raise UrlRefused("port_not_allowed")
        return target


def _is_private(host: str) -> bool:
    _, dot, last = host.rpartition(".")
    return not dot or _PRIVATE_SUFFIX.fullmatch(last) is not None
