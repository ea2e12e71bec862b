"""httpx2 behind both clients: settings, requests, responses and errors."""

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
    """The default `on_wait`: pauses go unreported."""


def checked_address(base_url: str) -> str:
    """A server's address, its trailing slash removed. Raises `ClientError` for anything else."""
    try:
        urlsplit(base_url)  # It is the stricter parser for hosts in brackets.
        address = httpx2.URL(base_url)
    except (httpx2.InvalidURL, ValueError) as error:
        raise ClientError(
            f"{base_url} is no address of a server ({error}): write it like https://host:8080."
        ) from error
    if address.scheme not in ("http", "https") or not address.host:
        raise ClientError(f"{base_url} is no address of a server: write it like https://host:8080.")
    if address.query or address.fragment:
        raise ClientError(f"{base_url} is no address of a server: leave out what stands behind its ? or #.")
    return base_url.rstrip("/")


def checked_key(key: str) -> str:
    """The key, checked for characters that no key has. Raises `ClientError`."""
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ClientError("The key holds what no key does, such as a blank or an ellipsis: copy the whole of it anew.")
    return key


def settings(base_url: str) -> Mapping[str, Any]:
    """Arguments of an httpx2 client. Loopback addresses bypass a proxy that the environment names."""
    return {
        "base_url": base_url,
        "timeout": httpx2.Timeout(_READ, connect=_CONNECT),
        "trust_env": not _is_loopback(httpx2.URL(base_url).host),
        "headers": {"User-Agent": f"stillmotion/{version('stillmotion')}"},
    }


def arguments(request: HttpRequest, key: str) -> Mapping[str, Any]:
    """Arguments of one httpx2 request. The key goes to the server alone, never to a host that only keeps files."""
    given: dict[str, Any] = {"method": request.method, "url": request.url, "headers": dict(request.headers)}
    if request.is_for_server:
        given["headers"]["Authorization"] = f"Bearer {key}"
    if request.json is not None:
        given["json"] = request.json
    if request.file is not None:
        given["files"] = {"file": request.file}
    return given


def opening(step: Open, key: str) -> Mapping[str, Any]:
    """Arguments of a request whose response is streamed."""
    return {**arguments(step.request, key), "timeout": httpx2.Timeout(step.patience, connect=_CONNECT)}


def reply_of(response: httpx2.Response, content: bytes = b"") -> HttpReply:
    """An httpx2 response as the core reads it."""
    return HttpReply(response.status_code, {name.lower(): value for name, value in response.headers.items()}, content)


def no_answer(error: httpx2.HTTPError | httpx2.InvalidURL, base_url: str) -> ClientError:
    """A transport error as a sentence with the address asked, which for a file may be another host's."""
    asked, is_server = _asked(error, base_url)
    remedy = "check the address and that the server runs"
    if not is_server:
        remedy = "the server says that the file is there; its setting public_url, or its storage, names that address"
    if isinstance(error, httpx2.InvalidURL | httpx2.UnsupportedProtocol):
        return ClientError(f"{base_url} names a file by what is no address ({error}): correct its setting public_url.")
    if _is_about_certificates(error):
        return NoAnswer(f"The certificate of {asked} is not trusted ({error}): correct it, or have its issuer trusted.")
    if "WRONG_VERSION_NUMBER" in str(error):
        return ClientError(f"What answers at {asked} speaks no HTTPS: write http:// for https://, or set TLS up there.")
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        return NoAnswer(f"Nothing answers at {asked} ({str(error) or 'it took too long'}): {remedy}.")
    if isinstance(error, httpx2.TimeoutException):
        return NoAnswer(f"{asked} took too long to answer: try again later.")
    return NoAnswer(f"The connection to {asked} was lost ({str(error) or type(error).__name__}): try again.")


def _asked(error: httpx2.HTTPError | httpx2.InvalidURL, base_url: str) -> tuple[str, bool]:
    """Address of the failed request up to its port, and True if it is the server's own, which is named whole."""
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
