"""`stillmotion queue`: the depth of the queue, its pauses and its drains."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import click

from stillmotion.application.administration import Administration
from stillmotion.application.operators.queue_administration import QueueState
from stillmotion.cli.admin.options import at_work, data_dir_option, json_option, operator_here, print_json
from stillmotion.cli.main import Overview
from stillmotion.http.surfaces.admin.rooms.queue import QueueInfo, queue_info

Act = Callable[[Administration, str | None, str | None, str], Awaitable[QueueState]]

_TARGET: Final = (
    click.option("--model", help="One model alone, by its name in the catalogue or its engine's."),
    click.option("--worker", help="One worker alone, by its id or its machine's name."),
)


@click.group("queue", cls=Overview)
def command() -> None:
    """Show, pause, resume and drain the queue. Works before the server runs, and while it does."""


@command.command()
@data_dir_option
@json_option
@click.pass_context
def show(ctx: click.Context, data_dir: Path | None, as_json: bool) -> None:
    """The queue as it is now."""
    _print(at_work(ctx, data_dir, lambda office: office.queue.state()), as_json)


def _print(state: QueueState, as_json: bool) -> None:
    shown = queue_info(state)
    print_json(shown) if as_json else _say(shown)


def _say(shown: QueueInfo) -> None:
    waiting, under_way = sum(shown.depth.values()), sum(shown.under_way.values())
    oldest = "" if shown.oldest_seconds is None else f", the oldest for {shown.oldest_seconds:.0f} s"
    click.echo(f"{waiting} waiting{oldest}; {under_way} under way")
    for engine, count in shown.depth.items():
        click.echo(f"  {engine:32} {count} waiting, {shown.under_way[engine]} under way")
    for each in shown.controls:
        what = {"all": "everything", "model": each.name, "worker": f"worker {each.name}"}[each.scope]
        click.echo(f"{each.state}: {what}, since {each.since:%Y-%m-%d %H:%M} UTC by {each.by}")
    if shown.drained and not waiting + under_way:
        click.echo("Drained: nothing waits and nothing is under way.")


def _add_act(name: str, act: Act, text: str) -> None:
    """Add a command that changes the queue's controls."""

    @command.command(name, help=text)
    @data_dir_option
    @json_option
    @click.pass_context
    def change(ctx: click.Context, model: str | None, worker: str | None, data_dir: Path | None, as_json: bool) -> None:
        _print(at_work(ctx, data_dir, lambda office: act(office, model, worker, operator_here())), as_json)

    for option in _TARGET:
        option(change)


_add_act(
    "pause",
    lambda office, model, worker, actor: office.queue.pause(model, worker, actor),
    "Begin nothing new, over restarts too, until `resume`. Renders under way go on, and submits are accepted.",
)
_add_act(
    "resume",
    lambda office, model, worker, _: office.queue.resume(model, worker),
    "End a pause or a drain: of all, or of the model or worker that is named.",
)
_add_act(
    "drain",
    lambda office, model, worker, actor: office.queue.drain(model, worker, actor),
    "Accept nothing new and make the rest. A worker's drain stops its claims.",
)
