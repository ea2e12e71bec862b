"""`stillmotion restore`."""

import json
import shlex
from pathlib import Path

import click

from stillmotion.adapters.directory.backup import described, restore_backup
from stillmotion.cli.main import load_settings
from stillmotion.composition.preflight import refuse_elsewhere
from stillmotion.domain.plurals import plural


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--data-dir", type=click.Path(path_type=Path), required=True, help="Where to: not there yet, or empty.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for scripts.")
@click.pass_context
def command(ctx: click.Context, file: Path, data_dir: Path, as_json: bool) -> None:
    """Make a data directory from FILE, a backup. It appears when all of it was read and found to be whole."""
    refuse_elsewhere(load_settings(ctx, data_dir=data_dir))
    manifest = restore_backup(file, data_dir)
    if as_json:
        click.echo(json.dumps({"data_dir": str(data_dir), **described(manifest)}))
        return
    click.echo(
        f"{data_dir}: as it was on {manifest.created_at:%Y-%m-%d %H:%M:%S} UTC, "
        f"{plural(manifest.object_count, 'object')}"
    )
    click.echo(f"Start with: stillmotion serve --data-dir {shlex.quote(str(data_dir))}")
