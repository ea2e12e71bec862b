"""`stillmotion serve`: the command. Its first renderer process loads while the server's own modules do."""

import asyncio
import os
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import click

from stillmotion.cli.logs import configure
from stillmotion.cli.main import load_settings, without_collector
from stillmotion.cli.process import faults_asked_for, run, stop_on_signals
from stillmotion.composition.depth import depth_set_up
from stillmotion.composition.preflight import refuse_few_files, refuse_unaddressed
from stillmotion.config import Settings
from stillmotion.worker.failpoints import Faults
from stillmotion.worker.renderer.handle import RENDERER_COMMAND, RendererProcess, common_options


@click.command("serve")
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="Port to listen on; 0 picks a free one.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where everything is kept.")
@click.option("--open", "open_", is_flag=True, default=None, help="Let callers of this machine in without a key.")
@click.pass_context
def command(
    ctx: click.Context, host: str | None, port: int | None, data_dir: Path | None, *, open_: bool | None
) -> None:
    """Run the service: the API, its queue and its renderers, until Ctrl-C or SIGTERM.

    Says on standard output where it listens; logs on standard error.
    """
    settings = load_settings(ctx, host=host, port=port, data_dir=data_dir, open=open_)
    if settings.access_log == "auto":
        settings = replace(settings, access_log="on" if sys.stderr.isatty() else "off")
    configure(settings.log_level, settings.log_format)
    refuse_few_files()
    refuse_unaddressed(settings)
    run(_serve(settings, faults_asked_for()))


async def _serve(settings: Settings, faults: Faults | None) -> None:
    stop = asyncio.Event()
    stop_on_signals(stop)
    spawned = await _spawned(settings, faults)
    try:
        # A third of a second's work or more, for which nothing else in this process has to wait yet.
        with without_collector():
            from stillmotion.cli.serve.listening import serve
        await serve(settings, stop, faults, spawned, os.environ)
    finally:
        if spawned is not None:
            await spawned.kill()


async def _spawned(settings: Settings, faults: Faults | None) -> RendererProcess | None:
    """Spawn the first renderer process early. None without renderers, or where they are tried out first."""
    if not settings.renderers or depth_set_up(settings) is not None:
        return None
    renderer = RendererProcess((*RENDERER_COMMAND, *common_options(settings.preview_seconds, faults)))
    with suppress(OSError):  # The host will try again, and say why it cannot.
        await renderer.spawn()
    return renderer
