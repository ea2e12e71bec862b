"""`stillmotion move`."""

import json
from dataclasses import replace
from pathlib import Path

import click

from stillmotion.cli.main import load_settings
from stillmotion.config.store_urls import is_shared, trouble_with_store, without_password
from stillmotion.domain.plurals import plural


@click.command("move")
@click.option("--to", required=True, metavar="URL", help="The empty database, as postgresql://user@host/database.")
@click.option("--storage", metavar="URL", help="A bucket for the clips and pictures, as in the setting storage.")
@click.option(
    "--from-backup",
    "backup",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Move a backup's content, as a rehearsal: the data directory stays in use.",
)
@click.option("--data-dir", type=click.Path(path_type=Path), help="The server's data directory.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for scripts.")
@click.pass_context
def command(
    ctx: click.Context, to: str, storage: str | None, backup: Path | None, data_dir: Path | None, as_json: bool
) -> None:
    """Move everything to a PostgreSQL database, so that several servers and workers can share it.

    Stop the server and its workers first. Rows are copied in one transaction, and compared before it ends. After an
    error nothing has changed, and the same command goes on. A password is better given by PGPASSWORD or a .pgpass file
    than in the URL, where other users of this machine may read it.
    """
    from stillmotion.composition.moving import move

    trouble = trouble_with_store(to) if is_shared(to) else "give an address like postgresql://user@host/database."
    if trouble is not None:
        raise click.UsageError(f"--to: {trouble}")
    settings = load_settings(ctx, data_dir=data_dir)
    moved = move(settings, to, storage, backup)
    if as_json:
        click.echo(json.dumps({"store": without_password(to), "rows": moved.rows, "objects": moved.objects}))
        return
    generations = plural(moved.rows["generations"], "generation")
    subscriptions = plural(moved.rows["subscriptions"], "subscription")
    click.echo(f"Moved {generations} of {subscriptions}, and {plural(moved.objects, 'object')}.")
    if backup is not None:
        click.echo(f"{settings.data_dir} stays in use: this was a rehearsal.")
        return
    kept = "secret as it is set now" if settings.secret or settings.secret_file else None
    secret = kept or f"secret_file = {settings.data_dir.absolute() / 'secret'} (or a copy of that file)"
    place = replace(settings, storage=storage or settings.storage).storage
    click.echo("Start every server and worker with these settings:")
    for line in (f"store = {without_password(to)}", secret, f"storage = {place}", "public_url = your own address"):
        click.echo(f"  {line}")
    click.echo(f"Servers refuse {settings.data_dir} alone from now on. To go back, remove the file moved in it.")
