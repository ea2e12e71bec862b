"""`stillmotion account`: the account of a key on a server, and its keys."""

import json
from datetime import timedelta

import click

from stillmotion.cli.confirmation import confirm, yes_option
from stillmotion.cli.main import load_settings, server_options
from stillmotion.cli.param_types import Duration
from stillmotion.cli.server_address import connect
from stillmotion.client import Account, AccountLimit, Client
from stillmotion.domain.plurals import plural

_json = click.option("--json", "as_json", is_flag=True, help="As JSON, for scripts.")
_slot = click.argument("slot", type=click.Choice(["primary", "secondary"]))


@click.group("account", invoke_without_command=True)
@server_options
@_json
@click.pass_context
def command(ctx: click.Context, server: str | None, key: str | None, as_json: bool) -> None:
    """Your key's account on a server: its terms, what is left of them, its keys, and this month's usage."""
    if ctx.invoked_subcommand is not None:
        return
    with _client(ctx, server, key) as client:
        found = client.account()
    if as_json:
        click.echo(json.dumps(dict(found.body)))
        return
    click.echo(f"{found.name}  {found.state}  product {found.product['name']}")
    click.echo(
        f"this month  {plural(found.video_seconds, 'video-second')}, cost {found.cost:g}, {found.unfinished} unfinished"
    )
    for each in found.limits:
        click.echo(f"{each.name.replace('_', ' '):24} {_left(each)}")
    for line in _keys(found):
        click.echo(line)


@command.group("keys")
def keys() -> None:
    """Replace your keys."""


@keys.command()
@_slot
@click.option("--overlap", type=Duration(), default="0s", show_default=True, help="How long the old key works on.")
@server_options
@yes_option
@_json
@click.pass_context
def rotate(
    ctx: click.Context, slot: str, overlap: timedelta, server: str | None, key: str | None, yes: bool, as_json: bool
) -> None:
    """A new key in SLOT, shown this once. Without an overlap the old one stops at once."""
    confirm(f"Replace the {slot} key? The old one {_end(overlap)}.", yes=yes)
    with _client(ctx, server, key) as client:
        made = client.rotate_key(slot, overlap)
    if as_json:
        until = made.previous_valid_until
        shown = {"slot": made.slot, "key": made.key, "previous_valid_until": until and until.isoformat()}
        click.echo(json.dumps(shown))
        return
    click.echo(made.key)
    if made.previous_valid_until is not None:
        click.echo(f"The old one works until {made.previous_valid_until:%Y-%m-%d %H:%M:%SZ}.", err=True)


@command.command("renew-secret")
@server_options
@yes_option
@_json
@click.pass_context
def renew_secret(ctx: click.Context, server: str | None, key: str | None, yes: bool, as_json: bool) -> None:
    """A new secret for callbacks, shown this once. For a day they are signed by the old one too."""
    confirm("Replace the secret that signs your callbacks? The old one signs for another day.", yes=yes)
    with _client(ctx, server, key) as client:
        made = client.renew_callback_secret()
    if as_json:
        until = made.previous_valid_until.isoformat()
        click.echo(json.dumps({"callback_secret": made.callback_secret, "previous_valid_until": until}))
        return
    click.echo(made.callback_secret)
    click.echo(f"The old one signs until {made.previous_valid_until:%Y-%m-%d %H:%M:%SZ}.", err=True)


def _client(ctx: click.Context, server: str | None, key: str | None) -> Client:
    return connect(load_settings(ctx, server=server, key=key))


def _left(each: AccountLimit) -> str:
    if each.limit is None:
        return "no limit"
    again = "" if each.resets_at is None else f", all again at {each.resets_at:%Y-%m-%d %H:%M:%SZ}"
    return f"{each.remaining:g} of {each.limit} left{again}"


def _keys(found: Account) -> list[str]:
    lines = []
    for each in found.keys:
        used = "never used" if each.last_used_at is None else f"last used {each.last_used_at:%Y-%m-%d %H:%M:%SZ}"
        ends = "" if each.expires_at is None else f", replaced: works until {each.expires_at:%Y-%m-%d %H:%M:%SZ}"
        lines.append(f"{each.slot:24} {each.prefix}…  {used}{ends}")
    return lines


def _end(overlap: timedelta) -> str:
    return f"stops after {overlap}" if overlap else "stops at once"
