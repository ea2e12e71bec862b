"""`stillmotion keys`: subscriptions and their keys, whether the server runs or not."""

import asyncio
import json
from pathlib import Path
from typing import Any

import click

from stillmotion.cli.main import load_settings
from stillmotion.composition import administration, default_product
from stillmotion.domain.subscriptions import KeySlot, SubscriptionState

_data_dir = click.option("--data-dir", type=click.Path(path_type=Path), help="The server's data directory.")
_json = click.option("--json", "as_json", is_flag=True, help="As JSON, for scripts.")


@click.group("keys")
def command() -> None:
    """Create, list, replace and suspend subscription keys. Works before the server runs, and while it does."""


@command.command()
@click.option("--name", default="default", show_default=True, help="Whom the subscription is for.")
@_data_dir
@_json
@click.pass_context
def create(ctx: click.Context, name: str, data_dir: Path | None, as_json: bool) -> None:
    """A new subscription with two keys, shown this once."""
    settings = load_settings(ctx, data_dir=data_dir)

    async def issue() -> Any:
        with administration(settings) as subscriptions:
            product = await subscriptions.ensure_product(default_product(settings))
            return await subscriptions.issue(product.name, name)

    issued = asyncio.run(issue())
    if as_json:
        shown = {
            "subscription": issued.subscription.id,
            "name": issued.subscription.name,
            "product": issued.subscription.product.name,
            "key": issued.primary,
            "secondary_key": issued.secondary,
            "callback_secret": issued.subscription.callback_secret,
        }
        click.echo(json.dumps(shown))
        return
    click.echo(f"subscription     {issued.subscription.id}  ({issued.subscription.name})")
    click.echo(f"key              {issued.primary}")
    click.echo(f"secondary key    {issued.secondary}")
    click.echo(f"callback secret  {issued.subscription.callback_secret}")
    click.echo("Keep them now: they cannot be shown again.", err=True)


@command.command("list")
@_data_dir
@_json
@click.pass_context
def list_(ctx: click.Context, data_dir: Path | None, as_json: bool) -> None:
    """Every subscription with the first characters of its keys."""
    settings = load_settings(ctx, data_dir=data_dir)

    async def read() -> Any:
        with administration(settings) as subscriptions:
            return await subscriptions.list()

    rows = [
        {
            "subscription": subscription.id,
            "name": subscription.name,
            "product": subscription.product.name,
            "state": subscription.state.value,
            "keys": {key.slot.value: key.prefix + "…" for key in keys},
        }
        for subscription, keys in asyncio.run(read())
    ]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        keys = "  ".join(f"{slot} {prefix}" for slot, prefix in row["keys"].items())
        click.echo(f"{row['subscription']}  {row['state']:9}  {row['name']}  {keys}")
    if not rows:
        click.echo("No subscriptions yet. Make one with: stillmotion keys create", err=True)


@command.command()
@click.argument("subscription")
@click.option("--slot", type=click.Choice([slot.value for slot in KeySlot]), default="primary", show_default=True)
@_data_dir
@_json
@click.pass_context
def rotate(ctx: click.Context, subscription: str, slot: str, data_dir: Path | None, as_json: bool) -> None:
    """A new key in one slot of SUBSCRIPTION; the old one there stops working, the other goes on."""
    settings = load_settings(ctx, data_dir=data_dir)

    async def replace() -> str:
        with administration(settings) as subscriptions:
            return await subscriptions.rotate(subscription, KeySlot(slot))

    key = asyncio.run(replace())
    click.echo(json.dumps({"subscription": subscription, "slot": slot, "key": key}) if as_json else key)


def _set_state(ctx: click.Context, subscription: str, data_dir: Path | None, state: SubscriptionState) -> None:
    settings = load_settings(ctx, data_dir=data_dir)

    async def change() -> None:
        with administration(settings) as subscriptions:
            await subscriptions.set_state(subscription, state)

    asyncio.run(change())
    click.echo(f"{subscription} is {state}.", err=True)


@command.command()
@click.argument("subscription")
@_data_dir
@click.pass_context
def suspend(ctx: click.Context, subscription: str, data_dir: Path | None) -> None:
    """Refuse SUBSCRIPTION's keys until it is activated again; what is queued goes on."""
    _set_state(ctx, subscription, data_dir, SubscriptionState.SUSPENDED)


@command.command()
@click.argument("subscription")
@_data_dir
@click.pass_context
def activate(ctx: click.Context, subscription: str, data_dir: Path | None) -> None:
    """Let SUBSCRIPTION's keys work again."""
    _set_state(ctx, subscription, data_dir, SubscriptionState.ACTIVE)
