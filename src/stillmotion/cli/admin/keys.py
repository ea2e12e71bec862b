"""`stillmotion keys`: subscriptions and their keys, whether the server runs or not."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import click
import msgspec

from stillmotion.adapters.clock import SystemClock
from stillmotion.application.administration import Administration
from stillmotion.application.subscriptions import Issued
from stillmotion.cli import completion
from stillmotion.cli.admin.options import at_work, data_dir_option, json_option, print_json
from stillmotion.cli.confirmation import confirm, yes_option
from stillmotion.cli.main import Overview, load_settings
from stillmotion.cli.param_types import Duration, Moment
from stillmotion.composition.installation import Missing, replace_secret
from stillmotion.config.store_urls import is_shared
from stillmotion.domain.subscriptions import KeySlot, SubscriptionState
from stillmotion.http.surfaces.admin import translate, wire

_SECRETS: Final[Mapping[str | None, str]] = {
    None: "",
    "before": " (needs secret_before)",
    "lost": " (lost: its secret is gone)",
}


@click.group("keys", cls=Overview)
def command() -> None:
    """Create, list, replace and suspend subscription keys. Works before the server runs, and while it does."""


@command.command()
@click.option("--name", default="default", show_default=True, help="Whom the subscription is for.")
@click.option(
    "--product",
    shell_complete=completion.products,
    help="The name of its product.  [default: the product called default, made if need be]",
)
@click.option("--expires-at", type=Moment(), help="When its keys stop working.")
@data_dir_option
@json_option
@click.pass_context
def create(
    ctx: click.Context,
    name: str,
    product: str | None,
    expires_at: datetime | None,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """A new subscription with two keys, shown this once."""

    async def issue(office: Administration) -> Issued:
        bought = product or (await office.products.ensure(office.products.default)).name
        return await office.subscriptions.issue(bought, name, expires_at)

    issued = at_work(ctx, data_dir, issue, Missing.MAKE)
    if as_json:
        print_json(translate.issued(issued))
        return
    click.echo(f"subscription     {issued.subscription.id}  ({issued.subscription.name})")
    click.echo(f"key              {issued.primary}")
    click.echo(f"secondary key    {issued.secondary}")
    click.echo(f"callback secret  {issued.subscription.callback_secret}")
    click.echo("Keep them now: they cannot be shown again.", err=True)


@command.command("list")
@data_dir_option
@json_option
@click.pass_context
def list_(ctx: click.Context, data_dir: Path | None, as_json: bool) -> None:
    """Every subscription with the first characters of its keys.

    A key in brackets was hashed with another secret than the present one. It is hashed anew when it is used while
    secret_before is set; without secret_before it does not work.
    """
    now = SystemClock().now()

    async def read(office: Administration) -> list[wire.SubscriptionInfo]:
        listed = await office.subscriptions.list()
        return [translate.subscription(office.subscriptions, each, keys, now) for each, keys in listed]

    listed = at_work(ctx, data_dir, read)
    if as_json:
        print_json([{"subscription": each.id} | msgspec.to_builtins(each) for each in listed])
        return
    for each in listed:
        keys = "  ".join(f"{slot} {prefix}{_SECRETS[each.key_secrets.get(slot)]}" for slot, prefix in each.keys.items())
        click.echo(f"{each.id}  {each.state:9}  {each.product}  {each.name}  {keys}")
    if not listed:
        click.echo("No subscriptions yet. Make one with: stillmotion keys create", err=True)


@command.command()
@click.argument("subscription", shell_complete=completion.subscriptions)
@click.option("--slot", type=click.Choice([slot.value for slot in KeySlot]), default="primary", show_default=True)
@click.option("--overlap", type=Duration(), default="0s", show_default=True, help="How long the old key works on.")
@data_dir_option
@yes_option
@json_option
@click.pass_context
def rotate(
    ctx: click.Context,
    subscription: str,
    slot: str,
    overlap: timedelta,
    data_dir: Path | None,
    yes: bool,
    as_json: bool,
) -> None:
    """A new key in one slot of SUBSCRIPTION; the old one there stops working, the other goes on."""
    known, keys = at_work(ctx, data_dir, lambda office: office.subscriptions.get(subscription), is_look=True)
    old = next((f"{each.prefix}… " for each in keys if each.slot is KeySlot(slot) and each.expires_at is None), "")
    end = f"after {overlap}" if overlap else "at once"
    confirm(f"Replace the {slot} key {old}of {known.name}? The old one stops working {end}.", yes=yes)
    key = at_work(ctx, data_dir, lambda office: office.subscriptions.rotate(subscription, KeySlot(slot), overlap)).key
    print_json(wire.IssuedKey(subscription, slot, key)) if as_json else click.echo(key)


def _set_state(
    ctx: click.Context, subscription: str, data_dir: Path | None, state: SubscriptionState, *, as_json: bool
) -> None:
    at_work(ctx, data_dir, lambda office: office.subscriptions.set_state(subscription, state))
    if as_json:
        print_json({"subscription": subscription, "state": state.value})
    else:
        click.echo(f"{subscription} is {state}.", err=True)


@command.command()
@click.argument("subscription", shell_complete=completion.subscriptions)
@data_dir_option
@json_option
@click.pass_context
def suspend(ctx: click.Context, subscription: str, data_dir: Path | None, as_json: bool) -> None:
    """Refuse SUBSCRIPTION's keys until it is activated again; what is queued goes on."""
    _set_state(ctx, subscription, data_dir, SubscriptionState.SUSPENDED, as_json=as_json)


@command.command()
@click.argument("subscription", shell_complete=completion.subscriptions)
@data_dir_option
@json_option
@click.pass_context
def activate(ctx: click.Context, subscription: str, data_dir: Path | None, as_json: bool) -> None:
    """Let SUBSCRIPTION's keys work again."""
    _set_state(ctx, subscription, data_dir, SubscriptionState.ACTIVE, as_json=as_json)


@command.command("new-secret")
@yes_option
@data_dir_option
@json_option
@click.pass_context
def new_secret(ctx: click.Context, yes: bool, data_dir: Path | None, as_json: bool) -> None:
    """Make do without a secret that is lost for good: the installation goes with another one from now on.

    Every key, session and signed link given out until now is lost. Generations, clips, products, subscriptions and the
    secrets of callbacks are kept. No server or worker may be running.

    Over PostgreSQL the other one is the setting secret (or secret_file). In a data directory without that setting a new
    file is made, and the one that is there is kept under another name; where its 64 hexadecimal digits are the setting
    secret_before, its keys work on. Afterwards make new keys: `stillmotion keys rotate`, once for each slot.
    """
    settings = load_settings(ctx, data_dir=data_dir)
    question = f"Every key, session and link of {settings.place} will stop working. Go on?"
    confirm(question, yes=yes, is_needed=is_shared(settings.store))
    kept = asyncio.run(replace_secret(settings))
    if as_json:
        place = {"store": settings.place} if is_shared(settings.store) else {"data_dir": str(settings.data_dir)}
        print_json(place | {"kept": None if kept is None else str(kept)})
        return
    click.echo(
        f"{settings.place} goes with another secret now. Make new keys, for each subscription of "
        "`stillmotion keys list`:\n"
        "    stillmotion keys rotate SUBSCRIPTION --slot primary\n"
        "    stillmotion keys rotate SUBSCRIPTION --slot secondary",
        err=True,
    )
    if kept is not None:
        click.echo(f"The secret that was there is {kept} now.", err=True)
