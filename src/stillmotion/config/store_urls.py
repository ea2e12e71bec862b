"""URLs of a PostgreSQL store: their check, and the form of them that people may see."""

import re
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

SCHEMES: Final = ("postgresql", "postgres")
_HOST: Final = re.compile(r"(?:[A-Za-z0-9._~%-]*|\[[0-9A-Fa-f:.%a-z]+\])(?::[0-9]{1,5})?")
"""Pattern of one host with its port. A URL names several for a failover, separated by commas."""
_DATABASE: Final = re.compile(r"(?:/[^/@:]*)?")


def trouble_with_store(value: str) -> str | None:
    """The problem of a store's URL with its remedy, without the URL; None for a good one."""
    if value == "local" or _parsed(value) is not None:
        return None
    return (
        "give local, or an address like postgresql://stillmotion@db.example.com/stillmotion. "
        "In a password write %40 for @, %2F for /, %3F for ?, %23 for # and %25 for %."
    )


def without_password(value: str) -> str:
    """A store's URL with its user, hosts and database alone: no password, and no option, which may be one too."""
    parsed = _parsed(value)
    if parsed is None:
        return value if value == "local" else "(hidden)"
    login, at, hosts = parsed.netloc.rpartition("@")
    return f"{parsed.scheme}://{login.partition(':')[0]}{at}{hosts}{parsed.path}"


def _parsed(value: str) -> SplitResult | None:
    try:
        url = urlsplit(value)
        parse_qsl(url.query, keep_blank_values=True, strict_parsing=bool(url.query))
    except ValueError:
        return None
    login, _, hosts = url.netloc.rpartition("@")
    whole = value.isprintable() and not set(value) & set(" #") and "@" not in login
    good = url.scheme in SCHEMES and _DATABASE.fullmatch(url.path) and all(map(_HOST.fullmatch, hosts.split(",")))
    return url if whole and good else None


def is_shared(store: str) -> bool:
    """True for a store that processes on many machines use."""
    return store != "local"
