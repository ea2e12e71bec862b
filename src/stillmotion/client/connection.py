"""What both clients make of httpx2: its settings, its requests, its answers, its errors."""

import ipaddress
import ssl
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import httpx2

from stillmotion.client.errors import ClientError, NoAnswer
from stillmotion.client.steps import HttpReply, HttpRequest, Open, Waiting

OnWait: TypeAlias = Callable[[Waiting], None]

_CONNECT, _READ = 10.0, 60.0
"""Seconds; a submit is answered in well under one."""


def unheard(waiting: Waiting) -> None:
    """Nobody wants to know of pauses."""


def checked_address(base_url: str) -> str:
    """The address of a server, without a slash at its end. Raises `ClientError` for what is none."""
    try:
        urlsplit(base_url)  # Which is the stricter with hosts in brackets.
        address = httpx2.URL(base_url)
    except (httpx2.InvalidURL, ValueError) as error:
        raise ClientError(
            f"{base_url} is no address of a server ({error}): write it like https://host:8080."
        ) from error
    if address.scheme not in ("http", "https") or not address.host:
        raise ClientError(f"{base_url} is no address of a server: write it like https://host:8080.")
    return base_url.rstrip("/")


def checked_key(key: str) -> str:
    """The key. Raises `ClientError` for what cannot be one."""
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ClientError("The key holds what no key does, such as a blank or an ellipsis: copy the whole of it anew.")
    return key


def settings(base_url: str) -> Mapping[str, Any]:
    """How an httpx2 client is made. A proxy in the environment is not meant for this machine's own addresses."""
    return {
        "base_url": base_url,
        "timeout": httpx2.Timeout(_READ, connect=_CONNECT),
        "trust_env": not _is_loopback(httpx2.URL(base_url).host),
        "headers": {"User-Agent": f"stillmotion/{version('stillmotion')}"},
    }


def arguments(request: HttpRequest, key: str) -> Mapping[str, Any]:
    """What an httpx2 client builds the request from. The key is told to the server alone, not to where files lie."""
    given: dict[str, Any] = {"method": request.method, "url": request.url, "headers": dict(request.headers)}
    if request.is_for_server:
        given["headers"]["Authorization"] = f"Bearer {key}"
    if request.json is not None:
        given["json"] = request.json
    if request.file is not None:
        given["files"] = {"file": request.file}
    return given


def opening(step: Open, key: str) -> Mapping[str, Any]:
    """The same, for an answer that is read piece by piece."""
    return {**arguments(step.request, key), "timeout": httpx2.Timeout(step.patience, connect=_CONNECT)}


def reply_of(response: httpx2.Response, content: bytes = b"") -> HttpReply:
    """The answer as the core reads it."""
    return HttpReply(response.status_code, {name.lower(): value for name, value in response.headers.items()}, content)


def no_answer(error: httpx2.HTTPError | httpx2.InvalidURL, base_url: str) -> ClientError:
    """The error in a sentence, with the address that was really asked: a file may lie elsewhere than the server."""
    asked, is_server = _asked(error, base_url)
    remedy = "check the address and that the server runs"
    if not is_server:
        remedy = "the server says that the file is there; its setting public_url, or its storage, names that address"
    if isinstance(error, httpx2.InvalidURL | httpx2.UnsupportedProtocol):
        return ClientError(f"{base_url} names a file by what is no address ({error}): correct its setting public_url.")
    if _is_about_certificates(error):
        return NoAnswer(f"The certificate of {asked} is not trusted ({error}): correct it, or have its issuer trusted.")
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        return NoAnswer(f"Nothing answers at {asked} ({str(error) or 'it took too long'}): {remedy}.")
    if isinstance(error, httpx2.TimeoutException):
        return NoAnswer(f"{asked} took too long to answer: try again later.")
    return NoAnswer(f"The connection to {asked} was lost ({str(error) or type(error).__name__}): try again.")


def _asked(error: httpx2.HTTPError | httpx2.InvalidURL, base_url: str) -> tuple[str, bool]:
    """The address that was asked, as far as its port, and whether it is the server's own, which is named whole."""
    try:
        url = error.request.url if isinstance(error, httpx2.HTTPError) else None
    except RuntimeError:  # There was no request yet.
        url = None
    server = httpx2.URL(base_url)
    if url is None or (url.scheme, url.raw_host, url.port) == (server.scheme, server.raw_host, server.port):
        return base_url, True
    return f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}", False


def _is_about_certificates(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
