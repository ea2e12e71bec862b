"""Shell completion of values that only a server, a data directory or a catalogue knows.

The shell waits at each press of the key, so a look has a short deadline and its errors stay silent.
"""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import click
from click.shell_completion import CompletionItem

from stillmotion.cli.main import load_settings
from stillmotion.domain.request import Resolution

if TYPE_CHECKING:
    from stillmotion.client import Client, Generation
    from stillmotion.domain.catalogue import Catalogue

MOMENT_SECONDS: Final = 3.0

Known: TypeAlias = Callable[[click.Context], Mapping[str, str]]
"""Lists the possible values, each with a description."""

Complete: TypeAlias = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _completing(known: Known, *, several: bool = False) -> Complete:
    """Completion of a word; with `several`, of the last in a list with commas."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        given = ctx.params.get(param.name or "")
        taken = set(given) if isinstance(given, tuple) else set()
        before, comma, begun = incomplete.rpartition(",") if several else ("", "", incomplete)
        return [
            CompletionItem(f"{before}{comma}{name}", help=about or None)
            for name, about in _soon(lambda: known(ctx)).items()
            if name.startswith(begun) and name not in taken
        ]

    return complete


def _soon(look: Callable[[], Mapping[str, str]]) -> Mapping[str, str]:
    """Result of a look; empty where it takes too long or fails."""
    found: dict[str, str] = {}

    def work() -> None:
        try:
            found.update(look())
        except Exception:
            return

    looking = threading.Thread(target=work, daemon=True)
    looking.start()
    looking.join(MOMENT_SECONDS)
    return dict(found)


def _settings(ctx: click.Context, *names: str) -> Any:
    return load_settings(ctx, **{name: ctx.params.get(name) for name in names})


def _in_directory(kind: str) -> Known:
    def look(ctx: click.Context) -> Mapping[str, str]:
        from stillmotion.adapters.store.sqlite.upkeep.completions import names

        return names(_settings(ctx, "data_dir").data_dir / "stillmotion.db", kind)

    return look


def _client(ctx: click.Context) -> "Client":
    from stillmotion.cli.server_address import address
    from stillmotion.client import Client

    return Client(*address(_settings(ctx, "server", "key")), retries=0)


def _on_server(wanted: "Callable[[Generation], bool]") -> Known:
    def look(ctx: click.Context) -> Mapping[str, str]:
        with _client(ctx) as client:
            listed = client.list(limit=100).generations
        return {each.id: f"{each.state}: {(each.prompt or '')[:40]}" for each in listed if wanted(each)}

    return look


def _wire_names(ctx: click.Context) -> Mapping[str, str]:
    """Wire names of the server's models, else of the catalogue that the settings name."""
    settings = _settings(ctx, "server", "key")
    if settings.server and "server" in {each.name for each in ctx.command.params}:
        with _client(ctx) as client:
            return dict.fromkeys(client.models(), "")
    return dict.fromkeys(_catalogue(settings).models, "")


def _catalogue_names(ctx: click.Context) -> Mapping[str, str]:
    file = ctx.params.get("file")
    settings = load_settings(ctx, catalogue=None if file is None else str(file))
    return {name: entry.summary for name, entry in _catalogue(settings).entries.items()}


def _pullable(ctx: click.Context) -> Mapping[str, str]:
    from stillmotion.adapters.models.depth_network import NAME, TITLE

    return {NAME: TITLE, **_catalogue_names(ctx)}


def _catalogue(settings: Any) -> "Catalogue":
    """The catalogue, read without the imports of `composition`, which would take too long here."""
    from stillmotion.adapters.models.catalogue import read_catalogue

    return read_catalogue(Path(settings.catalogue).expanduser() if settings.catalogue else None, settings.models)


def _surfaces(_: click.Context) -> Mapping[str, str]:
    from stillmotion.http.app import SURFACES

    return dict.fromkeys([*(each.name for each in SURFACES), "all"], "")


def _resolutions(_: click.Context) -> Mapping[str, str]:
    return dict.fromkeys([*(each.value for each in Resolution), "all"], "")


products: Final[Complete] = _completing(_in_directory("products"))
subscriptions: Final[Complete] = _completing(_in_directory("subscriptions"))
recorded_generations: Final[Complete] = _completing(_in_directory("generations"))
deliveries: Final[Complete] = _completing(_in_directory("deliveries"))
generations: Final[Complete] = _completing(_on_server(lambda _: True))
unfinished_generations: Final[Complete] = _completing(_on_server(lambda each: not each.has_ended))
completed_generations: Final[Complete] = _completing(_on_server(lambda each: each.state == "completed"))
wire_names: Final[Complete] = _completing(_wire_names)
several_wire_names: Final[Complete] = _completing(_wire_names, several=True)
surfaces: Final[Complete] = _completing(_surfaces, several=True)
resolutions: Final[Complete] = _completing(_resolutions, several=True)
entries: Final[Complete] = _completing(_catalogue_names)
pullable: Final[Complete] = _completing(_pullable)
