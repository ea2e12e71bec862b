"""`stillmotion callbacks`: the log of deliveries, and replays."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from stillmotion.application.callbacks.delivery import LoggedDelivery
from stillmotion.cli import completion
from stillmotion.cli.main import load_settings
from stillmotion.composition.administration import delivery_log
from stillmotion.domain.callbacks import DeliveryAttempt, DeliveryState

_data_dir = click.option("--data-dir", type=click.Path(path_type=Path), help="The server's data directory.")
_json = click.option("--json", "as_json", is_flag=True, help="As JSON, for scripts.")


@click.group("callbacks")
def command() -> None:
    """List callbacks with every attempt at them, and deliver one again. Works whether the server runs or not."""


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
@_data_dir
@_json
@click.pass_context
def list_(
    ctx: click.Context,
    generation: str | None,
    subscription: str | None,
    limit: int,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """The callbacks of GENERATION in the order in which they were caused, or a subscription's latest."""
    if (generation is None) == (subscription is None):
        raise click.UsageError("Give the id of a generation, or --subscription and its id.")
    settings = load_settings(ctx, data_dir=data_dir)

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
        with delivery_log(settings) as log:
            return await log.replay(delivery)

    replayed = asyncio.run(begin())
    if as_json:
        click.echo(json.dumps(_as_json(replayed)))
    else:
        click.echo(f"{delivery} is due now, as replay {replayed.delivery.replays}.", err=True)


def _as_json(logged: LoggedDelivery) -> dict[str, Any]:
    delivery = logged.delivery
    return {
        "id": delivery.id,
        "generation": delivery.generation_id,
        "announces": delivery.announces.value,
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
    click.echo(f"{delivery.id}  {delivery.state}{again}  {delivery.url}")
    for each in logged.attempts:
        chain = f"replay {each.replay}, " if each.replay else ""
        at = f"{each.started_at:%Y-%m-%d %H:%M:%S}"
        click.echo(f"    {at}  {chain}attempt {each.number}: {each.answer} ({each.duration.total_seconds():.3f} s)")
