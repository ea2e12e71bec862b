"""`stillmotion health`: the check that a container makes of its own server."""

import http.client
import json
from collections.abc import Mapping
from contextlib import suppress

import click

from stillmotion.cli.main import load_settings
from stillmotion.config import Settings
from stillmotion.domain.errors import StillmotionError

PATIENCE_SECONDS = 4.0
_EVERY_INTERFACE: Mapping[str, str] = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing listens here


class NotReady(StillmotionError):
    """The server does not answer, or is not ready: the message says why."""


@click.command("health")
@click.option("--host", help="The server's address. Or the setting `host`.")
@click.option("--port", type=int, help="The server's port. Or the setting `port`.")
@click.pass_context
def command(ctx: click.Context, host: str | None, port: int | None) -> None:
    """Ask the server with these settings, on this machine, if it is ready. Ends with 1 where it is not."""
    settings = load_settings(ctx, host=host, port=port)
    click.echo(asked(_EVERY_INTERFACE.get(settings.host, settings.host), settings.port))


def is_served(settings: Settings) -> bool:
    """True where a server of ours answers at the settings' address, ready or not."""
    try:
        answer, _ = _got(_EVERY_INTERFACE.get(settings.host, settings.host), settings.port, "/healthz")
    except NotReady:
        return False
    return answer.headers["Server"] == "Stillmotion"


def asked(host: str, port: int) -> str:
    """The answer of a ready server. Raises `NotReady`."""
    answer, text = _got(host, port, "/readyz")
    if answer.status != http.client.OK:
        raise NotReady(f"the server at {host}:{port} is not ready: {_missing(text)}")
    return text


def _got(host: str, port: int, path: str) -> tuple[http.client.HTTPResponse, str]:
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer, answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise NotReady(f"no server answers at {host}:{port}: {error}") from error
    finally:
        connection.close()


def _missing(text: str) -> str:
    with suppress(ValueError, AttributeError):
        missing = json.loads(text).get("missing")
        return "; ".join(f"{name}: {why}" for name, why in missing.items())
    return text[:200]
