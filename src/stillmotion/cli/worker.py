"""`stillmotion worker`."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path

import click

from stillmotion.cli.logs import configure
from stillmotion.cli.main import load_settings
from stillmotion.cli.process import announce, faults_asked_for, run, stop_on_signals
from stillmotion.composition.preflight import refuse_few_files
from stillmotion.composition.tracing import traced
from stillmotion.composition.workers import worker
from stillmotion.config import Settings
from stillmotion.worker.failpoints import Faults


@click.command("worker")
@click.option("--data-dir", type=click.Path(path_type=Path), help="The server's.")
@click.option("--renderers", type=click.IntRange(min=1), help="Renderer processes, one a device.")
@click.pass_context
def command(ctx: click.Context, data_dir: Path | None, renderers: int | None) -> None:
    """Render what a server on this machine has queued, in a process of its own, until Ctrl-C or SIGTERM.

    Any number of them work side by side, with the server's own renderers or in their place (`renderers = 0` there).
    A server that is restarted interrupts none of them. What they render when they are stopped is handed back.
    """
    settings = load_settings(ctx, data_dir=data_dir, renderers=renderers)
    configure(settings.log_level, settings.log_format)
    refuse_few_files()
    run(_work(settings, faults_asked_for()))


async def _work(settings: Settings, faults: Faults | None) -> None:
    stop = asyncio.Event()
    stop_on_signals(stop)
    with traced(os.environ) as tracing:
        async with worker(settings, faults, tracing) as host:
            announce(f"Rendering for {settings.data_dir}, {settings.renderers} at once")
            await stop.wait()
            await host.drain(timedelta(seconds=settings.shutdown_grace))
