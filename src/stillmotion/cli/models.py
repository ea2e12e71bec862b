"""`stillmotion models`: what the catalogue holds, and whether what is offered can be made."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import click

from stillmotion.cli.main import EXIT_REFUSED, load_settings
from stillmotion.cli.office import json_option, print_json
from stillmotion.composition import catalogue, model_troubles
from stillmotion.domain.catalogue import Catalogue, Entry

_catalogue = click.option(
    "--catalogue", "file", type=click.Path(path_type=Path), help="A file of models, in place of the setting's."
)


@click.group("models")
def command() -> None:
    """List the models of the catalogue, and check those that wire names stand for."""


@command.command("list")
@click.option("--offered", is_flag=True, help="Only those that a wire name stands for.")
@_catalogue
@json_option
@click.pass_context
def list_(ctx: click.Context, offered: bool, file: Path | None, as_json: bool) -> None:
    """Every model with its engine, abilities, licence and memory, and the wire names that stand for it."""
    models = _models(ctx, file)
    entries = list(models.offered()) if offered else list(models.entries.values())
    if as_json:
        print_json([_shown(entry, models) for entry in entries])
        return
    for entry in entries:
        names = ", ".join(_names(entry, models))
        click.echo(click.style(entry.name, bold=True) + (f"  ({names})" if names else ""))
        memory = f", {entry.memory_gb:g} GB" if entry.memory_gb else ""
        licence = entry.licence or "the server's own"
        territory = f", not for {entry.territory}" if entry.territory else ""
        click.echo(f"    {entry.engine_name}: {', '.join(sorted(entry.abilities))}{memory}; {licence}{territory}")
        if entry.summary:
            click.echo(f"    {entry.summary}")


@command.command()
@_catalogue
@json_option
@click.pass_context
def check(ctx: click.Context, file: Path | None, as_json: bool) -> None:
    """Look whether every model that a wire name stands for can be made: licence, weights, servers that answer.

    Ends with exit code 1 where one cannot.
    """
    settings = load_settings(ctx, catalogue=None if file is None else str(file))
    troubles = asyncio.run(model_troubles(settings))
    if as_json:
        print_json([{"model": name, "trouble": trouble} for name, trouble in troubles.items()])
    else:
        for name, trouble in troubles.items():
            click.echo(f"{name}: {trouble or 'can be made'}")
    if any(troubles.values()):
        sys.exit(EXIT_REFUSED)


def _models(ctx: click.Context, file: Path | None) -> Catalogue:
    return catalogue(load_settings(ctx, catalogue=None if file is None else str(file)))


def _names(entry: Entry, models: Catalogue) -> list[str]:
    return [model for model in models.models if entry in models.route(model)]


def _shown(entry: Entry, models: Catalogue) -> dict[str, Any]:
    """An entry for programs; a server's key is nobody's."""
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
