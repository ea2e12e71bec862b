"""`stillmotion doctor`: checks of this machine and this installation, each problem with its remedy."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from stillmotion.adapters.private_files import UMASK
from stillmotion.cli.health import is_served
from stillmotion.cli.logs import configure
from stillmotion.cli.main import EXIT_REFUSED, load_settings
from stillmotion.composition.doctor.directory import Finding
from stillmotion.composition.doctor.examination import Examination, checks, examine
from stillmotion.composition.preflight import absent_devices, trouble_with_devices
from stillmotion.config import Settings
from stillmotion.config.store_urls import is_shared
from stillmotion.domain.errors import StillmotionError
from stillmotion.domain.plurals import plural

CLIP_SECONDS = 1.0


@click.command("doctor")
@click.option("--data-dir", type=click.Path(path_type=Path), help="The data directory to look at.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for scripts.")
@click.pass_context
def command(ctx: click.Context, data_dir: Path | None, as_json: bool) -> None:
    """Check this machine, the settings and the data directory; say what is wrong and what to do.

    Works beside a running server, and leaves nothing behind. Ends with 1 where there is a problem.
    """
    os.umask(UMASK)
    found = []
    for finding in _examined(ctx, data_dir):
        found.append(finding)
        if not as_json:
            _show(finding)
    problems = sum(finding.is_problem for finding in found)
    if as_json:
        click.echo(json.dumps({"ok": not problems, "checks": [_as_json(each) for each in found]}, indent=2))
    else:
        click.echo("All is well." if not problems else f"{problems} to mend.")
    if problems:
        sys.exit(EXIT_REFUSED)


def _examined(ctx: click.Context, data_dir: Path | None) -> Iterator[Finding]:
    try:
        settings = load_settings(ctx, data_dir=data_dir)
    except StillmotionError as error:
        yield Finding("settings", str(error), "Nothing else can be looked at before that.")
        return
    configure(settings.log_level, settings.log_format)
    yield from examine(settings, (*checks(settings), *_thorough()))


def _thorough() -> Sequence[Examination]:
    """Checks that only a person waits for: they load torch, render a clip, listen on the address."""
    return (
        ("address", _address),
        ("devices", _devices),
        ("renderer", _renderer),
        ("engines from outside", _engines_from_outside),
    )


def _show(finding: Finding) -> None:
    mark = click.style("problem", fg="red", bold=True) if finding.is_problem else click.style("ok", fg="green")
    click.echo(f"{mark}  {finding.name}: {finding.said}")
    if finding.is_problem:
        click.echo(f"         {finding.remedy}")


def _as_json(finding: Finding) -> dict[str, object]:
    shown: dict[str, object] = {"name": finding.name, "ok": not finding.is_problem, "said": finding.said}
    return shown | ({"remedy": finding.remedy} if finding.is_problem else {})


def _address(settings: Settings) -> Finding:
    from stillmotion.http.server.server import listen

    where = f"{settings.host}:{settings.port}"
    try:
        listen(settings.host, settings.port).close()
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and _our_own(settings):
            return Finding("address", f"{where}, in use by our own server")
        remedy = "Choose another with --host and --port, or stop what listens there."
        why = error.strerror if isinstance(error, OSError) else "that is no host"
        return Finding("address", f"{where} cannot be listened on: {why}", remedy)
    return Finding("address", f"{where} is free")


def _our_own(settings: Settings) -> bool:
    from stillmotion.adapters.directory.data_directory import data_directory

    if is_shared(settings.store):  # Its servers lock no directory.
        return is_served(settings)
    return data_directory(settings.data_dir).holder is not None


def _devices(settings: Settings) -> Finding:
    named = ", ".join(settings.devices)
    if not settings.devices:
        return Finding("devices", "none are named: models, where any are offered, run on the first GPU or the CPU")
    trouble = trouble_with_devices(settings.devices)
    if trouble is not None:
        return Finding("devices", named, f"{trouble[0].upper()}{trouble[1:]}")
    absent = asyncio.run(absent_devices(settings.devices))
    remedy = "Mend the driver, or name others in the setting devices."
    return Finding("devices", "; ".join(absent) or f"{named}, as torch sees them", remedy if absent else "")


def _renderer(settings: Settings) -> Finding:
    from stillmotion.cli.sample_picture import draw_sample
    from stillmotion.composition.engines import renderers, video_codec
    from stillmotion.domain.request import GenerationRequest, Resolution
    from stillmotion.worker.renderer.protocol import Done, KeyframeFile, Render

    async def render(folder: Path) -> Done:
        picture = folder / "picture.jpg"
        picture.write_bytes(draw_sample())
        renderer = renderers(settings)()
        try:
            ready = await renderer.start()
            request = GenerationRequest(
                "slow push in", resolution=Resolution.P540, seconds=CLIP_SECONDS, codec=video_codec(settings)
            )
            order = Render(
                ticket=renderer.ticket(),
                engine=ready.engines[0],
                output=str(folder),
                request=request,
                frame0=KeyframeFile(str(picture)),
            )
            return await renderer.render(order, lambda _: None)
        finally:
            await renderer.stop()

    began = time.monotonic()
    with TemporaryDirectory(prefix="stillmotion-doctor-") as folder:
        done = asyncio.run(render(Path(folder)))
    took = time.monotonic() - began
    return Finding(
        "renderer", f"{plural(done.frames, 'frame')} of {done.width}×{done.height} in {took:.1f} s, start included"
    )


def _engines_from_outside(settings: Settings) -> Finding:
    from stillmotion.composition.engines import catalogue, trouble_of
    from stillmotion.engines.installed import installed_engines

    name = "engines from outside"
    entries = [each for each in catalogue(settings).offered() if each.is_outside]
    troubles = [(entry.name, asyncio.run(trouble_of(entry, settings))) for entry in entries]
    wrong = "; ".join(f"{model}: {trouble}" for model, trouble in troubles if trouble)
    if wrong:
        return Finding(name, wrong, "Mend the package, or give its models' wire names to others in the catalogue.")
    found = ", ".join(installed_engines()) or "none is installed"
    offered = f"; loaded for {', '.join(each.name for each in entries)}" if entries else ""
    return Finding(name, found + offered)
