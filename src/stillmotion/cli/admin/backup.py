"""`stillmotion backup`."""

import json
from pathlib import Path

import click

from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.directory.backup import described
from stillmotion.cli.main import load_settings
from stillmotion.composition.administration import backup
from stillmotion.domain.plurals import plural
from stillmotion.outputs import BACKUP, IfThere, InputPaths, OutputRefused, Words, place


@click.command("backup")
@click.argument("file", type=click.Path())
@click.option("--no-objects", is_flag=True, help="Leave out the clips and pictures.")
@click.option("--overwrite", is_flag=True, help="Replace a backup that is there already.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="The server's data directory.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for scripts.")
@click.pass_context
def command(
    ctx: click.Context, file: str, no_objects: bool, overwrite: bool, data_dir: Path | None, as_json: bool
) -> None:
    """Write everything that the server keeps to FILE, one tar, while it runs.

    Records, keys, the directory's secret, and the clips and pictures unless they are in a bucket. The file is to be
    guarded like the directory itself: who has it can sign download links and callbacks. FILE may be a folder, where the
    backup goes by its date, or - for standard output.
    """
    settings = load_settings(ctx, data_dir=data_dir)
    stem = f"stillmotion-{SystemClock().now():%Y%m%dT%H%M%SZ}"
    if_there = IfThere.REPLACE if overwrite else IfThere.REFUSE
    inputs = InputPaths(folders=[settings.data_dir])
    try:
        output = place(file, BACKUP, stem, if_there=if_there, inputs=inputs, words=Words("another FILE"))
    except OutputRefused as error:
        raise click.UsageError(str(error)) from error
    manifest = backup(settings, output, with_objects=not no_objects)
    aside = output.is_standard_output
    if as_json:
        click.echo(json.dumps({"file": str(output), **described(manifest)}), err=aside)
        return
    click.echo(
        f"{output}: {plural(manifest.object_count, 'object')}, {plural(manifest.total_bytes, 'byte')} in all", err=aside
    )
    if not manifest.with_objects:
        click.echo("Clips and pictures are not in it.", err=True)
    for key in manifest.missing:
        click.echo(f"{key} is named by a generation, but was not in storage.", err=True)
