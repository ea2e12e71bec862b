"""`stillmotion worker`."""

import asyncio
import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import click

from stillmotion.cli.logs import configure
from stillmotion.cli.main import load_settings
from stillmotion.cli.process import announce, faults_asked_for, first_of, run, stop_on_signals
from stillmotion.composition.preflight import refuse_few_files
from stillmotion.composition.tracing import traced
from stillmotion.composition.workers import worker
from stillmotion.config import Settings
from stillmotion.worker.failpoints import Faults


@click.command("worker")
@click.option("--data-dir", type=click.Path(path_type=Path), help="The server's.")
@click.option("--renderers", type=click.IntRange(min=1), help="Renderer processes, one a device.")
@click.option("--models", help="Models that it makes, by the catalogue's names: wan22-ti2v-5b,parallax; else all.")
@click.option("--device", "devices", multiple=True, help="A device for models: cuda:0. May be given several times.")
@click.pass_context
def command(
    ctx: click.Context, data_dir: Path | None, renderers: int | None, models: str | None, devices: Sequence[str]
) -> None:
    """Render what a server on this machine has queued, in a process of its own, until Ctrl-C or SIGTERM.

    Any number of them work side by side, with the server's own renderers or in their place (`renderers = 0` there).
    A server that is restarted interrupts none of them. What they render when they are stopped is handed back.
    `stillmotion workers drain` ends one when it has nothing more to render.
    """
    settings = load_settings(
        ctx, data_dir=data_dir, renderers=renderers, worker_models=models, devices=tuple(devices) or None
    )
    configure(settings.log_level, settings.log_format)
    refuse_few_files()
    run(_work(settings, faults_asked_for()))


async def _work(settings: Settings, faults: Faults | None) -> None:
    stop = asyncio.Event()
    stop_on_signals(stop)
    with traced(os.environ) as tracing:
        async with worker(settings, faults, tracing) as host:
            announce(f"Rendering for {settings.place}, {settings.renderers} at once")
            await first_of(stop, host.dismissed)
            await host.drain(timedelta(seconds=settings.shutdown_grace))
