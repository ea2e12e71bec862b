"""`stillmotion subscriptions`: customers of products."""

from pathlib import Path
from typing import Any

import click

from stillmotion.adapters.clock import SystemClock
from stillmotion.application.administration import Administration
from stillmotion.cli import completion
from stillmotion.cli.admin.keys import create, list_
from stillmotion.cli.admin.options import at_work, data_dir_option, json_option, print_fields, print_json
from stillmotion.cli.confirmation import confirm, yes_option
from stillmotion.cli.main import Overview
from stillmotion.cli.param_types import Moment
from stillmotion.domain.subscriptions import SubscriptionState
from stillmotion.http.surfaces.admin import translate, wire


@click.group("subscriptions", cls=Overview)
def command() -> None:
    """Create, list, show and change subscriptions. Works before the server runs, and while it does."""


command.add_command(create)
command.add_command(list_)


async def _shown(office: Administration, subscription: str) -> wire.SubscriptionInfo:
    known, keys = await office.subscriptions.get(subscription)
    usage = await office.subscriptions.usage(subscription)
    return translate.subscription(office.subscriptions, known, keys, SystemClock().now(), usage)


def _print(shown: wire.SubscriptionInfo, as_json: bool) -> None:
    print_json(shown) if as_json else print_fields(shown)


@command.command()
@click.argument("subscription", shell_complete=completion.subscriptions)
@data_dir_option
@json_option
@click.pass_context
def show(ctx: click.Context, subscription: str, data_dir: Path | None, as_json: bool) -> None:
    """SUBSCRIPTION, and what it spent this month."""
    _print(at_work(ctx, data_dir, lambda office: _shown(office, subscription)), as_json)


def _change(
    ctx: click.Context, subscription: str, data_dir: Path | None, changes: dict[str, Any], as_json: bool
) -> None:
    async def change(office: Administration) -> wire.SubscriptionInfo:
        await office.subscriptions.update(subscription, changes)
        return await _shown(office, subscription)

    _print(at_work(ctx, data_dir, change), as_json)


@command.command()
@click.argument("subscription", shell_complete=completion.subscriptions)
@click.option("--name", help="Whom it is for.")
@click.option("--product", shell_complete=completion.products, help="The name of another product.")
@click.option("--expires-at", type=Moment(), help="When its keys stop working.")
@data_dir_option
@json_option
@click.pass_context
def update(ctx: click.Context, /, subscription: str, data_dir: Path | None, as_json: bool, **options: Any) -> None:
    """Another name, product or end for SUBSCRIPTION; a running server follows within a second or so."""
    source = click.core.ParameterSource.DEFAULT
    changes = {name: value for name, value in options.items() if ctx.get_parameter_source(name) is not source}
    _change(ctx, subscription, data_dir, changes, as_json)


def _add_state(name: str, state: SubscriptionState, text: str) -> None:
    """Add a command that changes a subscription's state."""

    @command.command(name, help=text)
    @click.argument("subscription", shell_complete=completion.subscriptions)
    @data_dir_option
    @json_option
    @click.pass_context
    def enter(ctx: click.Context, subscription: str, data_dir: Path | None, as_json: bool) -> None:
        _change(ctx, subscription, data_dir, {"state": state}, as_json)


_add_state(
    "suspend",
    SubscriptionState.SUSPENDED,
    "Refuse SUBSCRIPTION's keys until it is activated again; what is queued goes on.",
)
_add_state("activate", SubscriptionState.ACTIVE, "Let SUBSCRIPTION's keys work again.")


@command.command()
@click.argument("subscription", shell_complete=completion.subscriptions)
@data_dir_option
@yes_option
@json_option
@click.pass_context
def cancel(ctx: click.Context, subscription: str, data_dir: Path | None, yes: bool, as_json: bool) -> None:
    """End SUBSCRIPTION for good: its keys never work again; what is queued goes on."""
    known, _ = at_work(ctx, data_dir, lambda office: office.subscriptions.get(subscription), is_look=True)
    confirm(f"End the subscription of {known.name} ({subscription}) for good? Its keys never work again.", yes=yes)
    _change(ctx, subscription, data_dir, {"state": SubscriptionState.CANCELLED}, as_json)
