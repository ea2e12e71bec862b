"""`stillmotion backup`."""

import json
from pathlib import Path

import click

from stillmotion.adapters.backup import described
from stillmotion.cli.main import load_settings
from stillmotion.composition import backup


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--no-objects", is_flag=True, help="Leave out the clips and pictures.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="The server's data directory.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for scripts.")
@click.pass_context
def command(ctx: click.Context, file: Path, no_objects: bool, data_dir: Path | None, as_json: bool) -> None:
    """Write everything that the server keeps to FILE, one tar, while it runs.

    Records, keys, the directory's secret, and the clips and pictures unless they are in a bucket. The file is to be
    guarded like the directory itself: who has it can sign download links and callbacks.
    """
    manifest = backup(load_settings(ctx, data_dir=data_dir), file, with_objects=not no_objects)
    if as_json:
        click.echo(json.dumps({"file": str(file), **described(manifest)}))
        return
    click.echo(f"{file}: {manifest.object_count} objects, {manifest.total_bytes:,} bytes in all")
    if not manifest.with_objects:
        click.echo("Clips and pictures are not in it.", err=True)
    for key in manifest.missing:
        click.echo(f"{key} is named by a generation, but was not in storage.", err=True)
