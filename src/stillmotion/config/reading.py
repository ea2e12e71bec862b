"""Reading of the settings from their sources."""

import tomllib
from collections.abc import Mapping
from dataclasses import Field, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_type_hints

from stillmotion.config.conversion import convert
from stillmotion.config.settings import PREFIX, Settings, SettingsError, setting_fields, setting_text


@dataclass(frozen=True, slots=True)
class Origin:
    """A setting's value and source, for `stillmotion config`."""

    name: str
    value: str
    source: str
    doc: str

    @property
    def variable(self) -> str:
        """Name of its environment variable."""
        return PREFIX + self.name.upper()


def load(
    environment: Mapping[str, str], file: Path | None = None, given: Mapping[str, Any] | None = None
) -> tuple[Settings, list[Origin]]:
    """Read the settings: defaults, then the file, then the environment, then the command line.

    Raises `SettingsError` for the first one that is unknown or does not fit.
    """
    layers = [
        ("file", _read_file(file)),
        ("environment", _from_environment(environment)),
        ("command line", {name: value for name, value in (given or {}).items() if value is not None}),
    ]
    hints = get_type_hints(Settings)
    types = {each.name: hints[each.name] for each in setting_fields()}
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for source, layer in layers:
        for name, raw in layer.items():
            if name not in types:
                raise SettingsError(_unknown(name, source, types))
            values[name] = convert(name, raw, types[name], source)
            sources[name] = source
    settings = Settings(**values, sources=MappingProxyType(sources))
    return settings, [_origin(each, settings, sources) for each in setting_fields()]


def _origin(each: Field[Any], settings: Settings, sources: Mapping[str, str]) -> Origin:
    shown = setting_text(each, getattr(settings, each.name))
    return Origin(each.name, shown, sources.get(each.name, "default"), each.metadata["doc"])


def _read_file(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"The settings file {file} cannot be read: {error.strerror}. Check --config.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"The settings file {file} is not valid TOML: {error}.") from error


def _from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    own = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
    return {name.removeprefix(PREFIX).lower(): value for name, value in own.items()}


def _unknown(name: str, source: str, types: Mapping[str, Any]) -> str:
    label = PREFIX + name.upper() if source == "environment" else name
    return f"{label} ({source}) is not a setting. There are: {', '.join(types)}."
