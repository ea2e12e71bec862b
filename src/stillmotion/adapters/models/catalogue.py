"""Catalogue from TOML files. An unknown or unfitting value is refused with a sentence that names it."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from importlib import resources
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from stillmotion.domain.catalogue import (
    Ability,
    Catalogue,
    CatalogueError,
    Default,
    Dialect,
    EngineKind,
    Entry,
    FrameRule,
    Server,
    SizeRule,
)

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_PARTS: Final[Mapping[str, type]] = {"sizes": SizeRule, "frames": FrameRule, "server": Server}
_KNOWN: Final = frozenset(each.name for each in fields(Entry)) - {"name"}
_PATHS: Final = frozenset({"weights", "graph", "lora", "lora_2"})
_DREAM_MACHINE: Final = frozenset({Ability.FIRST, Ability.LAST, Ability.ANY, Ability.LOOP, Ability.TEXT})
_REACH: Final[Mapping[Dialect, frozenset[Ability]]] = {
    Dialect.OPENAI: frozenset({Ability.FIRST, Ability.TEXT}),
    Dialect.DREAM_MACHINE: _DREAM_MACHINE,
    Dialect.COMFYUI: frozenset({Ability.FIRST, Ability.LAST, Ability.TEXT}),
}
"""Abilities that each dialect has words for, independent of the server's own."""


def read_catalogue(file: Path | None = None, models: Mapping[str, str] | None = None) -> Catalogue:
    """The package's entries overlaid with those of `file`, and the wire names that are offered.

    Wire names stand for entries by `models`, the operator's setting; if that is empty, by the file's `[aliases]`, or
    else the package's. `[[defaults]]` in the file replace the package's. Raises `CatalogueError`.
    """
    own = _parse((resources.files(__package__) / "models.toml").read_text("utf-8"), "models.toml")
    theirs: dict[str, Any] = {} if file is None else _read(file)
    where = "models.toml" if file is None else str(file)
    tables: dict[str, dict[str, Any]] = dict(own["models"])
    for name, table in _table(theirs, "models", where).items():
        if not isinstance(table, dict):
            raise CatalogueError(f"{where}: models.{name} must be a table.")
        tables[name] = {**tables.get(name, {}), **table}
    aliases = models or _table(theirs, "aliases", where) or own["aliases"]
    return Catalogue(
        {name: _entry(name, table, where) for name, table in tables.items()},
        {model: _route(model, route, where) for model, route in aliases.items()},
        _defaults(theirs.get("defaults", own["defaults"]), where),
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise CatalogueError(f"The catalogue {file} cannot be read: {why}. Check the setting catalogue.") from error
    return _parse(text, str(file))


def _parse(text: str, where: str) -> dict[str, Any]:
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"The catalogue {where} is not valid TOML: {error}.") from error
    unknown = parsed.keys() - {"models", "aliases", "defaults"}
    if unknown:
        raise CatalogueError(f"{where}: {min(unknown)} is no part of a catalogue: there are models, aliases, defaults.")
    return parsed


def _table(parsed: Mapping[str, Any], name: str, where: str) -> dict[str, Any]:
    table = parsed.get(name, {})
    if not isinstance(table, dict):
        raise CatalogueError(f"{where}: {name} must be a table.")
    return table


def _route(model: str, route: Any, where: str) -> tuple[str, ...]:
    """Names of one entry, or of several in order of preference: `first > second`, or a list."""
    names = route.split(">") if isinstance(route, str) else route
    if not isinstance(names, list) or not all(isinstance(each, str) and each.strip() for each in names) or not names:
        raise CatalogueError(
            f"{where}: the model {model} must stand for an entry's name, or for several as `first > second`."
        )
    # Until 0.1.0 a model stood for an engine's own name.
    return tuple(each.strip().removesuffix("/1") for each in names)


def _defaults(tables: Any, where: str) -> tuple[Default, ...]:
    try:
        defaults = msgspec.convert(tables, tuple[Default, ...])
    except msgspec.ValidationError as error:
        raise CatalogueError(f"{where}: defaults: {str(error).replace('`', '')}.") from error
    if any(each.memory_gb <= 0 for each in defaults):
        raise CatalogueError(f"{where}: defaults: memory_gb must be above 0: it is a GPU's memory.")
    return tuple(sorted(defaults, key=lambda each: each.memory_gb))


def _entry(name: str, table: Mapping[str, Any], where: str) -> Entry:
    place = f"{where}: models.{name}"
    if not _NAME.fullmatch(name):
        raise CatalogueError(f"{place}: an entry's name is made of a-z, 0-9 and -, 63 characters at most.")
    _check_known(table, _KNOWN, place)
    table = _without_tildes(table, place)
    for part, kind in _PARTS.items():
        if isinstance(table.get(part), dict):
            _check_known(table[part], frozenset(each.name for each in fields(kind)), f"{place}.{part}")
    try:
        entry = msgspec.convert({**table, "name": name}, Entry)
    except msgspec.ValidationError as error:
        raise CatalogueError(f"{place}: {str(error).replace('`', '')}.") from error
    if not _NAME.fullmatch(entry.engine):
        raise CatalogueError(f"{place}.engine: an engine's name is made of a-z, 0-9 and -, 63 characters at most.")
    _check_numbers(entry, place)
    _check_server(entry, place)
    return entry


def _without_tildes(table: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    """The table with `~` expanded in its paths."""
    inner = {part: _without_tildes(each, f"{place}.{part}") for part, each in table.items() if isinstance(each, dict)}
    paths = {name: path for name, path in table.items() if name in _PATHS and isinstance(path, str)}
    try:
        whole = {name: str(Path(path).expanduser()) if path.startswith("~") else path for name, path in paths.items()}
    except RuntimeError as error:
        raise CatalogueError(f"{place}: no home directory is known for what ~ stands for: give whole paths.") from error
    return {**table, **inner, **whole}


def _check_known(table: Mapping[str, Any], known: frozenset[str], place: str) -> None:
    unknown = sorted(table.keys() - known)
    if unknown:
        raise CatalogueError(f"{place}.{unknown[0]} is not known. There are: {', '.join(sorted(known))}.")


def _check_numbers(entry: Entry, place: str) -> None:
    sizes, frames = entry.sizes, entry.frames
    sides = [side for size in sizes.listed for side in size]
    if sizes.step < 2 or sizes.step % 2 or any(side < 2 or side % 2 for side in sides):
        raise CatalogueError(f"{place}.sizes: sides and step must be even, 2 or more.")
    if not 0 < sizes.least <= sizes.most or sizes.step**2 > sizes.most:
        raise CatalogueError(f"{place}.sizes: least and most must be areas in pixels that leave room for a frame.")
    if frames.step < 1 or frames.offset < 0 or any(count < 2 for count in frames.listed):
        raise CatalogueError(f"{place}.frames: step must be 1 or more, offset 0 or more, counts 2 or more.")
    if not frames.listed and not max(2, frames.least) <= frames.nearest(frames.least) <= frames.most:
        raise CatalogueError(f"{place}.frames: no count lies between least and most.")
    if not 1 <= entry.fps <= 120:
        raise CatalogueError(f"{place}.fps must be a whole number from 1 to 120.")
    if not entry.abilities:
        raise CatalogueError(f"{place}.abilities must name one ability at least: {', '.join(Ability)}.")


def _check_server(entry: Entry, place: str) -> None:
    server = entry.server
    if (server is not None) is not (entry.engine == EngineKind.FORWARD):
        raise CatalogueError(f"{place}.server is for the engine forward, which needs one.")
    if server is None:
        return
    try:
        url = urlsplit(server.url)
        whole = (
            url.scheme in {"http", "https"} and url.hostname and not url.query and not url.fragment and url.port != 0
        )
    except ValueError:
        whole = False
    if not whole:
        raise CatalogueError(f"{place}.server.url must be a base like http://127.0.0.1:30000.")
    if not 1 <= server.in_flight <= 100:
        raise CatalogueError(f"{place}.server.in_flight must be a whole number from 1 to 100.")
    beyond = sorted(entry.abilities - _REACH[server.speaks])
    if beyond:
        raise CatalogueError(f"{place}.abilities: {beyond[0]} cannot be asked for in the dialect {server.speaks}.")
    if (server.speaks is Dialect.COMFYUI) is not bool(server.graph):
        raise CatalogueError(f"{place}.server.graph is a workflow's file for comfyui, which needs one.")
