"""`stillmotion usage`: what a key has used on a server, by day, model and key."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import click

from stillmotion.cli.main import load_settings, server_options
from stillmotion.cli.server_address import connect
from stillmotion.client import UsageAmounts
from stillmotion.domain.plurals import plural

_AMOUNTS: Final = ("generations", "completed", "failed", "video_seconds", "cost")
_DAY: Final = click.DateTime(["%Y-%m-%d"])


@click.command("usage")
@click.option("--by", default="day", show_default=True, help="Some of day, model and key, separated by commas.")
@click.option("--from", "first", type=_DAY, help="First day.  [default: the first of the month]")
@click.option("--to", "last", type=_DAY, help="Last day.  [default: today]")
@click.option("--csv", "as_csv", is_flag=True, help="As a table for spreadsheets.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for scripts.")
@server_options
@click.pass_context
def command(
    ctx: click.Context,
    by: str,
    first: datetime | None,
    last: datetime | None,
    as_csv: bool,
    as_json: bool,
    server: str | None,
    key: str | None,
) -> None:
    """Generations, video-seconds and cost of your key's subscription, this month or between two days (UTC)."""
    names = [each.strip() for each in by.split(",")]
    days = (None if each is None else each.date() for each in (first, last))
    with connect(load_settings(ctx, server=server, key=key)) as client:
        table = client.usage(names, *days)
    if as_json:
        click.echo(json.dumps(dict(table.body)))
    elif as_csv:
        click.echo(_csv(table.rows, table.body["by"]), nl=False)
    else:
        for each in table.rows:
            click.echo(f"{'  '.join(str(name or '-') for name in each.names.values())}  {_sentence(each)}")
        click.echo(f"{table.first} to {table.last}: {_sentence(table.total)}")


def _sentence(told: UsageAmounts) -> str:
    count, seconds = plural(told.generations, "generation"), plural(told.video_seconds, "video-second")
    return f"{count} ({told.completed} completed, {told.failed} failed), {seconds}, cost {told.cost:g}"


def _csv(rows: Sequence[UsageAmounts], names: Sequence[str]) -> str:
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow((*names, *_AMOUNTS))
    for each in rows:
        table.writerow((*(each.names[name] for name in names), *(getattr(each, amount) for amount in _AMOUNTS)))
    return written.getvalue()
