"""`stillmotion gc`."""

import asyncio
import json
import os
from dataclasses import asdict
from pathlib import Path

import click

from stillmotion.adapters.private_files import UMASK
from stillmotion.application.retention import QUARANTINE, QUARANTINE_DAYS, Collected
from stillmotion.cli.admin.options import note
from stillmotion.cli.main import load_settings
from stillmotion.composition.administration import retention
from stillmotion.domain.plurals import plural

LOOK_LIMIT = 1_000_000


@click.command("gc")
@click.option("--dry-run", is_flag=True, help="Only say what there is to remove.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="The server's data directory.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for scripts.")
@click.pass_context
def command(ctx: click.Context, dry_run: bool, data_dir: Path | None, as_json: bool) -> None:
    """Remove what has expired, and set aside what belongs to nothing. Works whether the server runs or not.

    Removed are generations that were kept as long as their product says, what is left of deleted ones, and uploads that
    were broken off. Objects that no generation names are moved to quarantine/, and removed from there after a week.
    """
    os.umask(UMASK)
    settings = load_settings(ctx, data_dir=data_dir)

    async def collect() -> Collected:
        if not dry_run:
            await note(ctx, settings)
        with retention(settings) as kept:
            return await (kept.look(LOOK_LIMIT) if dry_run else kept.collect())

    collected = asyncio.run(collect())
    if as_json:
        click.echo(json.dumps(asdict(collected) | {"dry_run": dry_run}))
        return
    removed, moved = ("would be removed", "would be moved") if dry_run else ("removed", "moved")
    click.echo(f"{plural(collected.expired, 'expired generation')} {removed}")
    click.echo(f"Objects that were left of {plural(collected.removals, 'deleted generation')} {removed}")
    click.echo(
        f"{plural(collected.orphans, 'orphan')} ({plural(collected.orphan_bytes, 'byte')}) {moved} to {QUARANTINE}/"
    )
    discarded = plural(collected.discarded, "object")
    click.echo(f"{discarded} {removed} from {QUARANTINE}/ after {QUARANTINE_DAYS} days there")
    if not dry_run:
        click.echo(f"{plural(collected.unfinished, 'broken upload')} removed")
