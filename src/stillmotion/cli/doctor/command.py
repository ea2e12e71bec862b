"""`stillmotion doctor`: checks of this machine and this installation, each problem with its remedy."""

import asyncio
import json
import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from stillmotion.adapters.models.depth_network import DEFAULT
from stillmotion.adapters.private_files import UMASK
from stillmotion.cli.doctor.directory import Finding, database, log_support, place, privacy
from stillmotion.cli.logs import configure
from stillmotion.cli.main import EXIT_REFUSED, load_settings
from stillmotion.composition.preflight import (
    FEW_FILES,
    absent_devices,
    files_allowed,
    refuse_few_files,
    trouble_with_devices,
    trouble_with_storage,
)
from stillmotion.config import Settings
from stillmotion.domain.errors import StillmotionError

LOW_SPACE = 1_000_000_000
"""Free bytes below which the disk is a problem: some thousand short clips, or a few dozen large ones under way."""
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
    yield from examine(settings)


def examine(settings: Settings) -> Iterator[Finding]:
    """Run every check in turn. A check that raises is a finding of its own, and the others still run."""
    checks: tuple[tuple[str, Callable[[Settings], Finding]], ...] = (
        ("python", _python),
        ("sqlite", _sqlite),
        ("settings", _settings),
        ("open files", _open_files),
        ("data directory", place),
        ("private files", privacy),
        ("free space", _free_space),
        ("write-ahead log", log_support),
        ("database", database),
        ("storage", _storage),
        ("address", _address),
        ("devices", _devices),
        ("depth", _depth),
        ("renderer", _renderer),
        ("engines from outside", _engines_from_outside),
    )
    for name, check in checks:
        try:
            yield check(settings)
        except StillmotionError as error:
            yield Finding(name, str(error), "Do what the sentence says, then look again.")
        except Exception as error:
            yield Finding(name, f"{type(error).__name__}: {error}", "This should not happen: please report it.")


def _show(finding: Finding) -> None:
    mark = click.style("problem", fg="red", bold=True) if finding.is_problem else click.style("ok", fg="green")
    click.echo(f"{mark}  {finding.name}: {finding.said}")
    if finding.is_problem:
        click.echo(f"         {finding.remedy}")


def _as_json(finding: Finding) -> dict[str, object]:
    shown: dict[str, object] = {"name": finding.name, "ok": not finding.is_problem, "said": finding.said}
    return shown | ({"remedy": finding.remedy} if finding.is_problem else {})


def _python(settings: Settings) -> Finding:
    del settings
    return Finding("python", f"{sys.version.split()[0]} on {sys.platform}, {os.cpu_count()} cores")


def _sqlite(settings: Settings) -> Finding:
    from stillmotion.adapters.store.sqlite.connections.database import refuse_unsafe_sqlite, sqlite_version

    del settings
    version = sqlite_version()
    refuse_unsafe_sqlite(version)
    return Finding("sqlite", f"{'.'.join(map(str, version))}, without the WAL-reset bug")


def _settings(settings: Settings) -> Finding:
    from stillmotion.composition.engines import catalogue, has_encoder, video_codec
    from stillmotion.composition.outbound import image_source
    from stillmotion.domain.request import VideoCodec

    image_source(settings)
    codec = video_codec(settings)
    others = " and ".join(each for each in VideoCodec if each is not codec and has_encoder(each))
    missing = ", ".join(each for each in VideoCodec if not has_encoder(each))
    on_request = f"{others} on request" if others else f"the installed PyAV has no encoder for {missing}"
    offered = len(catalogue(settings).models)
    links = settings.public_url or "as the server is called"
    said = f"clips are {codec} ({on_request}), kept in {settings.storage}; links: {links}"
    return Finding("settings", f"{said}; renderers: {settings.renderers}; models: {offered}")


def _open_files(settings: Settings) -> Finding:
    del settings
    allowed = files_allowed()
    if allowed is not None and allowed < FEW_FILES:
        refuse_few_files()
        remedy = f"Raise it to {FEW_FILES} or more: `ulimit -Hn`, or LimitNOFILE= of the service."
        return Finding("open files", f"at most {allowed}: few callers can be connected at once", remedy)
    return Finding("open files", f"up to {'any number' if allowed is None else allowed}")


def _free_space(settings: Settings) -> Finding:
    folder = next(
        each for each in (settings.data_dir.absolute(), *settings.data_dir.absolute().parents) if each.exists()
    )
    free = shutil.disk_usage(folder).free
    said = f"{free / 1e9:.1f} GB"
    if free < LOW_SPACE:
        return Finding("free space", said, "Make room, or choose a data directory on another disk.")
    return Finding("free space", said)


def _storage(settings: Settings) -> Finding:
    from stillmotion.adapters.directory.data_directory import data_directory
    from stillmotion.composition.installation import open_storage

    if settings.storage == "local" and not data_directory(settings.data_dir).objects.is_dir():
        return Finding("storage", "local, made with the data directory")
    objects = open_storage(settings)
    key, content = f"checks/doctor-{secrets.token_hex(8)}", secrets.token_bytes(64)

    async def round_trip() -> str | bool:
        trouble = await trouble_with_storage(objects)
        if trouble is not None:
            return trouble
        await objects.put(key, content)
        try:
            return b"".join([piece async for piece in objects.read(key, 0, len(content))]) == content
        finally:
            await objects.delete(key)

    began = time.monotonic()
    came = asyncio.run(round_trip())
    if isinstance(came, str):
        remedy = "Check the settings storage and storage_options: bucket, region, endpoint, keys."
        return Finding("storage", f"{settings.storage} cannot be used: {came}", remedy)
    if not came:
        return Finding("storage", f"{settings.storage} gave back other bytes", "Do not use this storage.")
    return Finding("storage", f"{settings.storage}, written and read back in {time.monotonic() - began:.2f} s")


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


def _depth(settings: Settings) -> Finding:
    from stillmotion.cli.models.depth import depth_trouble
    from stillmotion.composition.depth import NO_MODEL, pull_command

    known = depth_trouble(settings)
    if known is None and settings.depth_model in NO_MODEL:
        return Finding("depth", f"estimated from the picture, since depth_model is {settings.depth_model}")
    if known is None:
        return Finding(
            "depth", f"estimated from the picture; `{pull_command(DEFAULT)}` fetches a larger network that tells it"
        )
    said, trouble = known
    return Finding("depth", trouble or said, "Do what the sentence says, then look again." if trouble else "")


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
    return Finding("renderer", f"{done.frames} frames of {done.width}×{done.height} in {took:.1f} s, start included")


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
