"""`stillmotion callbacks`: the commands. They work on a data directory, or on a server with a key."""

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from stillmotion.application.callbacks.delivery import LoggedDelivery
from stillmotion.cli import completion
from stillmotion.cli.admin.options import note
from stillmotion.cli.main import EXIT_INTERRUPTED, EXIT_REFUSED, Overview, load_settings, server_options
from stillmotion.cli.server_address import connect
from stillmotion.client import CallbackRecord
from stillmotion.composition.administration import delivery_log
from stillmotion.config import Settings
from stillmotion.domain.callbacks import DeliveryAttempt, DeliveryState

_data_dir = click.option("--data-dir", type=click.Path(path_type=Path), help="The server's data directory.")
_PAGE: Final = 100
_json = click.option("--json", "as_json", is_flag=True, help="As JSON, for scripts.")


@click.group("callbacks", cls=Overview)
def command() -> None:
    """List callbacks with every attempt at them, deliver one again, try a receiver, or pass messages on to one."""


@command.command("list")
@click.argument("generation", required=False, shell_complete=completion.recorded_generations)
@click.option(
    "--subscription",
    shell_complete=completion.subscriptions,
    help="The latest of this subscription instead, by its id.",
)
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many of a subscription's."
)
@click.option("--state", type=click.Choice([each.value for each in DeliveryState]), help="Of a key's, those alone.")
@_data_dir
@server_options
@_json
@click.pass_context
def list_(
    ctx: click.Context,
    generation: str | None,
    subscription: str | None,
    limit: int,
    state: str | None,
    data_dir: Path | None,
    server: str | None,
    key: str | None,
    as_json: bool,
) -> None:
    """The callbacks of GENERATION in the order in which they were caused, or a subscription's latest.

    Both are read from the data directory. Without either, the latest callbacks of your key on a server.
    """
    if generation is not None and subscription is not None:
        raise click.UsageError("Give the id of a generation, or --subscription and its id, not both.")
    settings = load_settings(ctx, data_dir=data_dir, server=server, key=key)
    if generation is None and subscription is None:
        _list_own(settings, state, limit, as_json=as_json)
        return

    async def read() -> Sequence[LoggedDelivery]:
        with delivery_log(settings) as log:
            if subscription is not None:
                return await log.of_subscription(subscription, limit)
            return await log.of_generation(generation or "")

    logged = asyncio.run(read())
    if as_json:
        click.echo(json.dumps([_as_json(each) for each in logged]))
        return
    for each in logged:
        _show(each)
    if not logged:
        click.echo("No callbacks: there was no callback_url, or nothing has happened yet.", err=True)


@command.command()
@click.argument("url")
@server_options
@_json
@click.pass_context
def test(ctx: click.Context, url: str, server: str | None, key: str | None, as_json: bool) -> None:
    """Have the server send a signed test message to URL, once. Exits with 1 unless it is taken."""
    with connect(load_settings(ctx, server=server, key=key)) as client:
        told = client.test_callback(url)
    if as_json:
        click.echo(json.dumps(dict(told.body)))
    else:
        answer = f"{told.status}" if told.reason is None else told.reason
        click.echo(f"{'delivered' if told.delivered else 'not delivered'}: {answer} ({told.seconds:.3f} s)")
    if not told.delivered:
        sys.exit(EXIT_REFUSED)


@command.command()
@click.option("--forward-to", "url", required=True, help="URL of your receiver, such as http://localhost:3000/hook.")
@server_options
@click.pass_context
def listen(ctx: click.Context, url: str, server: str | None, key: str | None) -> None:
    """Pass the messages of your key on to a receiver on this machine, signed as callbacks are, until Ctrl-C.

    They come from the server over a connection that this command opens, so that nothing needs a public address. The
    generations need no callback_url.
    """
    from stillmotion.cli.callbacks.listening import Forwarder

    with connect(load_settings(ctx, server=server, key=key)) as client:
        click.echo(f"Listening. Messages go to {url} until Ctrl-C.", err=True)
        try:
            Forwarder(client, url, click.echo).run()
        except KeyboardInterrupt:
            sys.exit(EXIT_INTERRUPTED)


@command.command()
@click.argument("delivery", shell_complete=completion.deliveries)
@_data_dir
@_json
@click.pass_context
def replay(ctx: click.Context, delivery: str, data_dir: Path | None, as_json: bool) -> None:
    """Deliver DELIVERY (a webhook-id, as `list` shows it) once more: at once, and on the whole schedule again.

    The server makes the attempts: now where it runs, else when it is started.
    """
    settings = load_settings(ctx, data_dir=data_dir)

    async def begin() -> LoggedDelivery:
        await note(ctx, settings)
        with delivery_log(settings) as log:
            return await log.replay(delivery)

    replayed = asyncio.run(begin())
    if as_json:
        click.echo(json.dumps(_as_json(replayed)))
    else:
        click.echo(f"{delivery} is due now, as replay {replayed.delivery.replays}.", err=True)


def _list_own(settings: Settings, state: str | None, limit: int, *, as_json: bool) -> None:
    """Print the latest callbacks of a key, page by page."""
    found: list[CallbackRecord] = []
    with connect(settings) as client:
        after = None
        while len(found) < limit:
            page = client.callbacks(state=state, limit=min(_PAGE, limit - len(found)), after=after)
            found += page.callbacks
            after = page.next
            if after is None:
                break
    if as_json:
        click.echo(json.dumps([dict(each.body) for each in found]))
        return
    for each in found:
        due = "" if each.next_attempt_at is None else f", next attempt {each.next_attempt_at:%Y-%m-%d %H:%M:%S} UTC"
        click.echo(f"{each.created_at:%Y-%m-%d %H:%M:%S}  {each.id}  {each.state}{due}  {each.url}")
        for number, tried in enumerate(each.tries, 1):
            answer = tried.status if tried.reason is None else tried.reason
            click.echo(f"    {tried.at:%Y-%m-%d %H:%M:%S}  attempt {number}: {answer} ({tried.seconds:.3f} s)")
    if not found:
        click.echo("No callbacks: there was no callback_url, or nothing has happened yet.", err=True)


def _as_json(logged: LoggedDelivery) -> dict[str, Any]:
    delivery = logged.delivery
    return {
        "id": delivery.id,
        "generation": delivery.generation_id,
        "announces": delivery.announces.value,
        "created_at": delivery.created_at.isoformat(),
        "url": delivery.url,
        "state": delivery.state.value,
        "replays": delivery.replays,
        "next_attempt_at": delivery.due_at.isoformat() if delivery.state is DeliveryState.PENDING else None,
        "attempts": [_attempt_as_json(each) for each in logged.attempts],
    }


def _attempt_as_json(attempt: DeliveryAttempt) -> dict[str, Any]:
    return {
        "replay": attempt.replay,
        "number": attempt.number,
        "at": attempt.started_at.isoformat(),
        "seconds": attempt.duration.total_seconds(),
        "status": attempt.status,
        "reason": attempt.reason,
    }


def _show(logged: LoggedDelivery) -> None:
    delivery = logged.delivery
    pending = delivery.state is DeliveryState.PENDING
    again = f", next attempt {delivery.due_at:%Y-%m-%d %H:%M:%S} UTC" if pending else ""
    click.echo(f"{delivery.created_at:%Y-%m-%d %H:%M:%S}  {delivery.id}  {delivery.state}{again}  {delivery.url}")
    for each in logged.attempts:
        chain = f"replay {each.replay}, " if each.replay else ""
        at = f"{each.started_at:%Y-%m-%d %H:%M:%S}"
        click.echo(f"    {at}  {chain}attempt {each.number}: {each.answer} ({each.duration.total_seconds():.3f} s)")
