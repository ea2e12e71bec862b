"""`stillmotion models`: the catalogue, checks of the offered models, weights, and a trial."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

import click

from stillmotion.adapters.directory.data_directory import DataDirectoryUnusable
from stillmotion.adapters.models.depth_network import DEFAULT, FILES, NAME
from stillmotion.cli.admin.options import json_option, print_json
from stillmotion.cli.completion import entries, pullable
from stillmotion.cli.logs import configure
from stillmotion.cli.main import EXIT_REFUSED, Overview, load_settings
from stillmotion.cli.models.depth import depth_lines, described_depth, pull_depth, pulled_sentence
from stillmotion.cli.models.holding import LOAD, UNLOAD
from stillmotion.cli.models.progress import PullProgress
from stillmotion.composition.depth import depth_trouble
from stillmotion.composition.engines import catalogue, model_troubles, weights_of
from stillmotion.composition.weights import pull_weights
from stillmotion.config import Settings
from stillmotion.domain.catalogue import Catalogue, CatalogueError, EngineKind, Entry
from stillmotion.domain.errors import StillmotionError

_catalogue = click.option(
    "--catalogue", "file", type=click.Path(path_type=Path), help="A file of models, in place of the setting's."
)


@click.group("models", cls=Overview)
def command() -> None:
    """List the models of the catalogue, check those that wire names stand for, fetch their weights, try them out."""


command.add_command(LOAD)
command.add_command(UNLOAD)


@command.command("list")
@click.option("--offered", is_flag=True, help="Only those that a wire name stands for.")
@click.option("--memory", type=float, metavar="GB", help="Only those that a GPU with so much memory can make.")
@_catalogue
@json_option
@click.pass_context
def list_(ctx: click.Context, offered: bool, memory: float | None, file: Path | None, as_json: bool) -> None:
    """Every model with its engine, abilities, licence and memory, and the wire names that stand for it.

    The depth network comes first, unless an option narrows the list. With --memory the first is the one to take where
    memory is what there is to go by.
    """
    settings = load_settings(ctx, catalogue=None if file is None else str(file))
    models = catalogue(settings)
    entries = list(models.entries.values() if memory is None else models.fitting(memory))
    if offered:
        entries = [each for each in models.offered() if each in entries]
    if as_json:
        aside = [] if offered or memory is not None else [described_depth(settings)]
        print_json([*aside, *(_shown(entry, models) for entry in entries)])
        return
    if memory is None and not offered:
        click.echo(click.style(NAME, bold=True))
        click.echo("\n".join(depth_lines(settings)))
    for entry in entries:
        names = ", ".join(_names(entry, models))
        click.echo(click.style(entry.name, bold=True) + (f"  ({names})" if names else ""))
        needs = f", {entry.memory_gb:g} GB" if entry.memory_gb else ""
        licence = entry.licence or "the server's own"
        territory = f", not for {entry.territory}" if entry.territory else ""
        there = "; pulled" if entry.engine == EngineKind.DIFFUSERS and _is_pulled(entry, settings) else ""
        click.echo(f"    {entry.engine_name}: {', '.join(sorted(entry.abilities))}{needs}; {licence}{territory}{there}")
        if entry.summary:
            click.echo(f"    {entry.summary}")


@command.command()
@_catalogue
@json_option
@click.pass_context
def check(ctx: click.Context, file: Path | None, as_json: bool) -> None:
    """Look whether every model that a wire name stands for can be made: licence, weights, servers that answer.

    A depth network that was pulled is held against its digest, byte for byte. Ends with exit code 1 where one cannot.
    """
    settings = load_settings(ctx, catalogue=None if file is None else str(file))
    configure(settings.log_level, settings.log_format)
    troubles = asyncio.run(model_troubles(settings))
    depth = depth_trouble(settings)
    if depth is not None:
        troubles[NAME] = depth[1]
    if as_json:
        print_json([{"model": name, "trouble": trouble} for name, trouble in troubles.items()])
    else:
        for name, trouble in troubles.items():
            click.echo(f"{name}: {trouble or ('can be used' if name == NAME else 'can be made')}")
    if any(troubles.values()):
        sys.exit(EXIT_REFUSED)


@command.command()
@click.argument("names", nargs=-1, metavar="[MODEL]...", shell_complete=pullable)
@click.option("--allow-hub", is_flag=True, default=None, help="As the setting allow_hub, for this once.")
@click.option("--precision", type=click.Choice(list(FILES)), help=f"Of the depth network: {DEFAULT} if left out.")
@_catalogue
@json_option
@click.pass_context
def pull(
    ctx: click.Context,
    names: tuple[str, ...],
    allow_hub: bool | None,
    precision: str | None,
    file: Path | None,
    as_json: bool,
) -> None:
    """Have the weights of each MODEL on this machine: of those that wire names stand for, where none is named.

    `pull depth` fetches the depth network of the embedded engine: a file of a known digest under a free licence, so
    that it needs no --allow-hub. Otherwise the folder that the model's `weights` names goes first; the hub is asked
    only where it is allowed. A folder is there once every file of it is, and agrees with its digest; what was broken
    off is gone on with.
    """
    settings = load_settings(ctx, catalogue=None if file is None else str(file), allow_hub=allow_hub)
    if precision and NAME not in names:
        raise click.UsageError(f"--precision is of the depth network: stillmotion models pull {NAME} --precision …")
    others = [name for name in names if name != NAME]
    entries = _named(settings, others, only_weights=True) if others or not names else []
    failed = NAME in names and not _depth_pulled(settings, precision or DEFAULT, as_json)
    if not entries and not names and not as_json:
        click.echo(f"No wire name stands for a model with weights: name the model, or {NAME} for the depth network.")
    for entry in entries:
        progress = PullProgress(entry.name, quiet=as_json)
        try:
            folder = pull_weights(entry, settings, progress.tell, progress.moved)
        except StillmotionError as error:
            failed = True
            progress.end()
            _say(entry.name, as_json, str(error), trouble=str(error))
        else:
            progress.end()
            _say(entry.name, as_json, f"whole, in {folder}", folder=str(folder))
    if failed:
        sys.exit(EXIT_REFUSED)


@command.command()
@click.argument("names", nargs=-1, metavar="[MODEL]...", shell_complete=entries)
@_catalogue
@json_option
@click.pass_context
def warm(ctx: click.Context, names: tuple[str, ...], file: Path | None, as_json: bool) -> None:
    """Load each MODEL and make a small clip with it, twice, and say how long that took.

    Of those that wire names stand for, where none is named. Another server is asked whether it answers, and makes none.
    """
    from stillmotion.cli.models.trial import warmed

    settings = load_settings(ctx, catalogue=None if file is None else str(file))
    configure(settings.log_level, settings.log_format)
    failed = False
    for entry in _named(settings, names):
        try:
            warmth = asyncio.run(warmed(entry, settings))
        except StillmotionError as error:
            failed = True
            _say(entry.name, as_json, str(error), trouble=str(error))
        else:
            _say(entry.name, as_json, warmth.sentence, **warmth.described)
    if failed:
        sys.exit(EXIT_REFUSED)


def _depth_pulled(settings: Settings, precision: str, as_json: bool) -> bool:
    """Pull the depth network, and say so; false where that failed."""
    tell: Callable[[str], None] = (lambda _: None) if as_json else partial(click.echo, err=True)
    try:
        facts = pull_depth(settings, precision, tell)
    except StillmotionError as error:
        _say(NAME, as_json, str(error), trouble=str(error))
        return False
    _say(NAME, as_json, pulled_sentence(facts, settings), **facts)
    return True


def _named(settings: Settings, names: Sequence[str], *, only_weights: bool = False) -> list[Entry]:
    """Catalogue entries of these names, else those behind wire names."""
    models = catalogue(settings)
    for name in names:
        if name not in models.entries:
            near = get_close_matches(name, models.entries, 1)
            hint = f"did you mean {near[0]}?" if near else "`stillmotion models list` shows them."
            raise CatalogueError(f"The catalogue has no model {name}: {hint}")
    if names:
        return [models.entries[name] for name in names]
    return [each for each in models.offered() if each.engine == EngineKind.DIFFUSERS or not only_weights]


def _say(name: str, as_json: bool, sentence: str, **facts: Any) -> None:
    if as_json:
        print_json({"model": name, **facts})
    else:
        click.echo(f"{name}: {sentence}", err="trouble" in facts)


def _is_pulled(entry: Entry, settings: Settings) -> bool:
    try:
        return weights_of(entry, settings).is_dir()
    except DataDirectoryUnusable:
        # A user without a home has pulled nothing.
        return False


def _names(entry: Entry, models: Catalogue) -> list[str]:
    return [model for model in models.models if entry in models.route(model)]


def _shown(entry: Entry, models: Catalogue) -> dict[str, Any]:
    """An entry as JSON, without the key of a server."""
    server = entry.server
    return {
        "name": entry.name,
        "engine": entry.engine_name,
        "models": _names(entry, models),
        "summary": entry.summary,
        "abilities": sorted(entry.abilities),
        "licence": entry.licence or None,
        "territory": entry.territory or None,
        "weights": entry.weights or None,
        "hub": entry.hub or None,
        "fps": entry.fps,
        "longest_seconds": round(entry.longest_seconds, 3),
        "steps": entry.steps or None,
        "memory_gb": entry.memory_gb or None,
        "server": None if server is None else {"speaks": server.speaks, "url": server.url, "at_once": server.in_flight},
        "source": entry.source or None,
    }
