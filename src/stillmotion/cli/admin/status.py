"""`stillmotion status`: the whole service in a few lines."""

import sys
from datetime import timedelta
from pathlib import Path

import click

from stillmotion.cli.admin.options import at_work, data_dir_option, json_option, print_json
from stillmotion.cli.main import EXIT_REFUSED
from stillmotion.http.surfaces.admin.rooms.status import SpreadInfo, StatusInfo, status_info


@click.command("status")
@data_dir_option
@json_option
@click.pass_context
def command(ctx: click.Context, data_dir: Path | None, as_json: bool) -> None:
    """Say whether the service is well, what waits, and how long things take. Ends with 1 where there is a problem."""
    shown = status_info(at_work(ctx, data_dir, lambda office: office.status.now()))
    print_json(shown) if as_json else _say(shown)
    if not shown.ok:
        sys.exit(EXIT_REFUSED)


def _say(shown: StatusInfo) -> None:
    for each in shown.checks:
        if not each.ok:
            click.echo(f"{click.style('problem', fg='red', bold=True)}  {each.name}: {each.said}")
            click.echo(f"         {each.remedy}")
    if shown.uptime_seconds is None:
        click.echo("No server is running.")
    else:
        up = timedelta(seconds=int(shown.uptime_seconds))
        click.echo(f"Stillmotion {shown.version}, up for {up}, workers: {shown.workers}")
    queue = shown.queue
    held = " (paused)" if queue.paused else " (nothing new is accepted)" if queue.drained else ""
    click.echo(f"{sum(queue.depth.values())} waiting, {sum(queue.under_way.values())} under way{held}")
    lines = shown.sparklines
    click.echo(f"Last hour: {sum(lines.submitted)} submitted, {sum(lines.completed)} done, {sum(lines.failed)} failed")
    click.echo(f"Wait {_times(shown.wait)}; render {_times(shown.render)}")
    disk = shown.disk
    click.echo(
        f"{disk.free_bytes / 1e9:.1f} of {disk.total_bytes / 1e9:.1f} GB free; {shown.storage_bytes / 1e9:.2f} GB kept"
    )
    for near in shown.near_limit:
        click.echo(f"Near its limit: {near.subscription}, {near.used:.0f} of {near.limit:.0f} s this month")


def _times(spread: SpreadInfo) -> str:
    if spread.p50 is None or spread.p95 is None:
        return "not measured"
    return f"{spread.p50:.1f} s, 1 in 20 over {spread.p95:.1f} s"
