"""`stillmotion migrate`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stillmotion.cli.admin.options import data_dir_option, json_option
from stillmotion.cli.main import load_settings

if TYPE_CHECKING:
    from stillmotion.adapters.store.sql.migrations import Upgrade


@click.command("migrate")
@click.option("--contract", is_flag=True, help="Also take away what only older versions need.")
@data_dir_option
@json_option
@click.pass_context
def command(ctx: click.Context, data_dir: Path | None, contract: bool, as_json: bool) -> None:
    """Bring the database to this version's schema, while servers and workers of this and older versions run.

    It only adds what they need not know of, so they go on, and the version before may be started again. With
    --contract it takes away what older versions need. That is refused while a process of such a version runs, and such
    a version does not start any more. Nothing is done twice, and several may run at once.
    """
    from stillmotion.composition.upgrading import upgrade_store

    store, way = upgrade_store(load_settings(ctx, data_dir=data_dir), contract=contract)
    before = None if way.before is None else way.before.schema
    if as_json:
        told = {"store": store, "from": before, "to": way.after.schema, "oldest_code": way.after.oldest_code}
        click.echo(json.dumps(told | {"contract_due": list(way.due)}))
        return
    click.echo(f"{store}: {_said(way)}")
    if way.due:
        click.echo("Once every process runs this version: stillmotion migrate --contract")


def _said(way: "Upgrade") -> str:
    schema, oldest_code = way.after
    if way.before is None:
        return f"tables made, of schema {schema}"
    done = [] if way.before.schema == schema else [f"from schema {way.before.schema} to {schema}"]
    if any(each.is_contract for each in way.steps):
        done.append(f"contracted, so that versions that do not know schema {oldest_code} start no more")
    return "; ".join(done) or f"nothing to do, schema {schema}"
