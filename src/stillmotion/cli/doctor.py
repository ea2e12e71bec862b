"""`stillmotion doctor`: what works on this machine, what does not, and what to do about it."""

import asyncio
import json
import os
import resource
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from stillmotion.cli.main import EXIT_REFUSED, load_settings
from stillmotion.config import Settings
from stillmotion.domain.errors import StillmotionError

LOW_SPACE = 1_000_000_000
"""Bytes: some thousand short clips, or a few dozen large ones under way."""
FEW_FILES = 1024
CLIP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check came to. A problem comes with its remedy; a finding without one is in order."""

    name: str
    said: str
    remedy: str = ""

    @property
    def is_problem(self) -> bool:
        """Whether something has to be done."""
        return bool(self.remedy)


@click.command("doctor")
@click.option("--data-dir", type=click.Path(path_type=Path), help="The data directory to look at.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for scripts.")
@click.pass_context
def command(ctx: click.Context, data_dir: Path | None, as_json: bool) -> None:
    """Check this machine, the settings and the data directory; say what is wrong and what to do.

    Works beside a running server, and leaves nothing behind. Ends with 1 where there is a problem.
    """
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
    yield from examine(settings)


def examine(settings: Settings) -> Iterator[Finding]:
    """Every check in turn. One that breaks is a problem of its own, and the rest go on."""
    checks: tuple[tuple[str, Callable[[Settings], Finding]], ...] = (
        ("python", _python),
        ("sqlite", _sqlite),
        ("settings", _settings),
        ("open files", _open_files),
        ("data directory", _data_directory),
        ("free space", _free_space),
        ("database", _database),
        ("storage", _storage),
        ("address", _address),
        ("renderer", _renderer),
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
    from stillmotion.adapters.store.sqlite.connection import refuse_unsafe_sqlite, sqlite_version

    del settings
    version = sqlite_version()
    refuse_unsafe_sqlite(version)
    return Finding("sqlite", f"{'.'.join(map(str, version))}, without the WAL-reset bug")


def _settings(settings: Settings) -> Finding:
    from stillmotion.composition import image_source, video_codec

    image_source(settings)
    codec = video_codec(settings)
    return Finding("settings", f"clips are {codec}, kept in {settings.storage}, renderers: {settings.renderers}")


def _open_files(settings: Settings) -> Finding:
    del settings
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < FEW_FILES:
        remedy = f"Raise it to {FEW_FILES} or more: `ulimit -Hn`, or LimitNOFILE= of the service."
        return Finding("open files", f"at most {hard}: few callers can be connected at once", remedy)
    return Finding("open files", f"up to {'any number' if hard == resource.RLIM_INFINITY else hard}")


def _data_directory(settings: Settings) -> Finding:
    from stillmotion.adapters.data_directory import open_data_directory

    root = settings.data_dir
    if not root.exists():
        return _directory_to_come(root)
    directory = open_data_directory(root)
    for folder in (directory.root, directory.objects, directory.scratch):
        if trouble := _trouble_writing(folder):
            remedy = "Mend the disk or the permissions, or choose another directory with --data-dir."
            return Finding("data directory", f"{folder} cannot be written to: {trouble}", remedy)
    directory.refuse_lost_database()
    if directory.has_secret:
        directory.secret()
    holder = directory.holder
    return Finding("data directory", f"{root}, {f'held by process {holder}' if holder else 'no server runs over it'}")


def _directory_to_come(root: Path) -> Finding:
    parent = next(each for each in root.absolute().parents if each.exists())
    if trouble := _trouble_writing(parent):
        remedy = "Make it and give it to the service's user, or choose another with --data-dir."
        return Finding("data directory", f"{root} is not there and cannot be made in {parent}: {trouble}", remedy)
    return Finding("data directory", f"{root} is not there yet: `stillmotion serve` makes it")


def _trouble_writing(folder: Path) -> str:
    path = folder / f"doctor-{secrets.token_hex(8)}"
    try:
        path.write_bytes(b"ok")
        path.unlink()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _free_space(settings: Settings) -> Finding:
    folder = next(
        each for each in (settings.data_dir.absolute(), *settings.data_dir.absolute().parents) if each.exists()
    )
    free = shutil.disk_usage(folder).free
    said = f"{free / 1e9:.1f} GB"
    if free < LOW_SPACE:
        return Finding("free space", said, "Make room, or choose a data directory on another disk.")
    return Finding("free space", said)


def _database(settings: Settings) -> Finding:
    from stillmotion.adapters.store.sqlite.inspection import inspect

    path = settings.data_dir.absolute() / "stillmotion.db"
    if not path.exists():
        return Finding("database", "not there yet")
    condition = inspect(path)
    if condition.trouble:
        remedy = (
            "Stop the server; restore the database from a backup, or move it and its -wal and -shm files away and "
            "start with an empty one (and a new directory)."
        )
        return Finding("database", f"{path} is damaged or cannot be read: {'; '.join(condition.trouble)}", remedy)
    if not condition.is_ours:
        return Finding("database", f"{path} is another program's", "Choose another data directory.")
    if condition.schema > condition.newest:
        said = f"schema {condition.schema}, but this Stillmotion knows {condition.newest}"
        return Finding("database", said, "Upgrade Stillmotion, or choose another data directory.")
    later = "" if condition.schema == condition.newest else f", brought to {condition.newest} by the next start"
    return Finding("database", f"sound, schema {condition.schema}{later}")


def _storage(settings: Settings) -> Finding:
    from stillmotion.composition import open_storage

    if settings.storage == "local" and not settings.data_dir.exists():
        return Finding("storage", "local, made with the data directory")
    objects = open_storage(settings)
    key, content = f"checks/doctor-{secrets.token_hex(8)}", secrets.token_bytes(64)

    async def round_trip() -> bool:
        await objects.put(key, content)
        try:
            return b"".join([piece async for piece in objects.read(key, 0, len(content))]) == content
        finally:
            await objects.delete(key)

    began = time.monotonic()
    if not asyncio.run(round_trip()):
        return Finding("storage", f"{settings.storage} gave back other bytes", "Do not use this storage.")
    return Finding("storage", f"{settings.storage}, written and read back in {time.monotonic() - began:.2f} s")


def _address(settings: Settings) -> Finding:
    from stillmotion.http.server import listen

    where = f"{settings.host}:{settings.port}"
    try:
        listen(settings.host, settings.port).close()
    except OSError as error:
        if _our_own(settings):
            return Finding("address", f"{where}, in use by our own server")
        remedy = "Choose another with --host and --port, or stop what listens there."
        return Finding("address", f"{where} cannot be listened on: {error.strerror}", remedy)
    return Finding("address", f"{where} is free")


def _our_own(settings: Settings) -> bool:
    from stillmotion.adapters.data_directory import open_data_directory

    return settings.data_dir.exists() and open_data_directory(settings.data_dir).holder is not None


def _renderer(settings: Settings) -> Finding:
    from stillmotion.composition import renderers, video_codec
    from stillmotion.domain.request import Resolution
    from stillmotion.media.sample import draw_sample
    from stillmotion.worker.messages import Done, Render

    async def render(folder: Path) -> Done:
        picture = folder / "picture.jpg"
        picture.write_bytes(draw_sample())
        renderer = renderers(settings)()
        try:
            ready = await renderer.start()
            order = Render(
                ticket=renderer.ticket(),
                engine=ready.engines[0],
                prompt="slow push in",
                output=str(folder),
                frame0=str(picture),
                resolution=Resolution.P540,
                seconds=CLIP_SECONDS,
                codec=video_codec(settings),
            )
            return await renderer.render(order, lambda _: None)
        finally:
            await renderer.stop()

    began = time.monotonic()
    with TemporaryDirectory(prefix="stillmotion-doctor-") as folder:
        done = asyncio.run(render(Path(folder)))
    took = time.monotonic() - began
    return Finding("renderer", f"{done.frames} frames of {done.width}×{done.height} in {took:.1f} s, start included")
