"""What both clients make of httpx2: its settings, its requests, its answers, its errors."""

import ipaddress
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import httpx2

from stillmotion.client.errors import NoAnswer
from stillmotion.client.steps import Open, Reply, Request

_CONNECT, _READ = 10.0, 60.0
"""Seconds; a submit is answered in well under one."""


def settings(base_url: str) -> Mapping[str, Any]:
    """How an httpx2 client is made. A proxy in the environment is not meant for this machine's own addresses."""
    return {
        "base_url": base_url,
        "timeout": httpx2.Timeout(_READ, connect=_CONNECT),
        "trust_env": not _is_loopback(httpx2.URL(base_url).host),
        "headers": {"User-Agent": f"stillmotion/{version('stillmotion')}"},
    }


def arguments(request: Request, key: str) -> Mapping[str, Any]:
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


def reply_of(response: httpx2.Response, content: bytes = b"") -> Reply:
    """The answer as the core reads it."""
    return Reply(response.status_code, {name.lower(): value for name, value in response.headers.items()}, content)


def no_answer(error: httpx2.HTTPError, base_url: str) -> NoAnswer:
    """The error in a sentence."""
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        return NoAnswer(f"Nothing answers at {base_url} ({error}): check the address and that the server runs.")
    if isinstance(error, httpx2.TimeoutException):
        return NoAnswer(f"{base_url} took too long to answer: try again later.")
    return NoAnswer(f"The connection to {base_url} was lost ({error}): try again.")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
