"""`stillmotion workers`: the processes that render, and what each of their lanes is at."""

from pathlib import Path

import click

from stillmotion.application.administration import Administration
from stillmotion.cli.admin.options import at_work, data_dir_option, json_option, operator_here, print_json
from stillmotion.cli.main import Overview
from stillmotion.domain.errors import InvalidRequest, Problem
from stillmotion.domain.operators.processes import ProcessRole
from stillmotion.http.surfaces.admin.rooms.workers import LaneInfo, WorkerInfo, worker_info


@click.group("workers", cls=Overview)
def command() -> None:
    """List and drain the workers. Works while a server runs, and tells of those lost within a day when none does."""


@command.command("list")
@data_dir_option
@json_option
@click.pass_context
def list_(ctx: click.Context, data_dir: Path | None, as_json: bool) -> None:
    """Every worker, with its engines and its lanes."""

    async def read(office: Administration) -> list[WorkerInfo]:
        return [worker_info(each) for each in await office.registry.workers()]

    found = at_work(ctx, data_dir, read)
    if as_json:
        print_json(found)
        return
    for each in found:
        if each.state == "lost":
            click.echo(f"{each.id:32} lost, last heard of {each.heartbeat_at:%Y-%m-%d %H:%M:%S} UTC")
            continue
        click.echo(f"{each.id:32} {each.state}, {', '.join(each.engines) or 'no engine yet'}")
        for lane in each.lanes:
            click.echo(f"  {lane.name:30} {_at(lane)}")
    if not found:
        click.echo("No workers. A server with a renderer is one, and so is each: stillmotion worker", err=True)


@command.command()
@click.argument("worker")
@data_dir_option
@click.pass_context
def drain(ctx: click.Context, worker: str, data_dir: Path | None) -> None:
    """Let WORKER, an id as `list` shows it, claim nothing more. Its process ends once it makes nothing.

    A supervisor starts another in its place: `stillmotion queue drain --worker HOST` is about all workers of a machine,
    those to come too. A server with a renderer stays. `stillmotion queue resume --worker` takes either back.
    """

    async def act(office: Administration) -> bool:
        known = {each.report.name.id: each for each in await office.registry.workers()}
        if worker not in known:
            raise InvalidRequest(Problem("worker", f"is none of the workers: {', '.join(known) or 'there are none'}"))
        await office.queue.drain(None, worker, operator_here())
        return known[worker].report.role is ProcessRole.SERVER

    stays = at_work(ctx, data_dir, act)
    click.echo(f"{worker} claims nothing more" + ("." if stays else ", and ends once it makes nothing."))


def _at(lane: LaneInfo) -> str:
    if lane.generation is None:
        return "free" if lane.engine is None else f"free, holds {lane.engine}"
    return f"{lane.engine} {lane.progress or 0:.0%} of {lane.generation}, since {lane.since:%H:%M:%S} UTC"
