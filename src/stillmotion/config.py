"""Settings: read once, from defaults, a TOML file and `STILLMOTION_*`, in that order of precedence; then frozen."""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from ipaddress import ip_network
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_type_hints
from urllib.parse import urlsplit

import msgspec
from platformdirs import user_data_path

from stillmotion.domain.errors import StillmotionError

PREFIX = "STILLMOTION_"


class SettingsError(StillmotionError):
    """Wrong setting: the message names it, its source, and the remedy."""


def default_place() -> Path:
    """This system's folder for a user's data; `~` for a user without a home, refused where a directory is needed."""
    try:
        return user_data_path("stillmotion", appauthor=False)
    except RuntimeError:
        return Path("~")


def _setting(default: Any, doc: str, *, secret: bool = False) -> Any:
    return field(default_factory=lambda: default, metadata={"doc": doc, "secret": secret}, repr=not secret)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of an operator. In the environment lists are comma-separated, and tables `name=value` pairs."""

    data_dir: Path = _setting(
        default_place(),
        "Where the database, the clips and the secret are kept: a local disk, no network share.",
    )
    host: str = _setting("127.0.0.1", "Address to listen on; 0.0.0.0 for every interface.")
    port: int = _setting(8080, "Port to listen on; 0 picks a free one.")
    public_url: str = _setting("", "Base of the links we give out, e.g. https://video.example.com; empty: as called.")
    storage: str = _setting("local", "Where clips go: local (in data_dir) or s3://bucket/prefix.")
    storage_options: Mapping[str, str] = _setting(
        MappingProxyType({}), "Options of the S3 store: region, endpoint, keys.", secret=True
    )
    models: Mapping[str, str] = _setting(
        MappingProxyType({}),
        "Wire model names and the catalogue's entry that each stands for, or several in order of preference: "
        "ray-2=first > second; empty: as the catalogue's aliases say.",
    )
    catalogue: str = _setting("", "A file of models (TOML) that is laid over those that the package knows.")
    accepted_licences: tuple[str, ...] = _setting(
        (), "Licences other than Apache-2.0 and MIT that you accept, by the names that `stillmotion models list` shows."
    )
    weights_dir: str = _setting(
        "", "Where `stillmotion models pull` puts weights, a folder for each model; empty: weights, in data_dir."
    )
    allow_hub: bool = _setting(
        False,
        "true lets `stillmotion models pull` fetch weights from the hub (HF_ENDPOINT); `pull depth` may without it.",
    )
    depth_model: str = _setting(
        "",
        "An ONNX model that tells depth (needs stillmotion[onnx]), e.g. models/midas.onnx; empty: the network that "
        "`stillmotion models pull depth` fetched, else estimated; none: estimated.",
    )
    depth_model_gives: str = _setting(
        "nearness", "What its numbers mean: nearness (larger is nearer, as of MiDaS) or distance (metric models)."
    )
    video_codec: str = _setting(
        "h264", "How clips are compressed: h264, which plays everywhere, or av1, about 40 % smaller."
    )
    renderers: int = _setting(1, "Renderer processes in this server, 0 to 64: one a device, 0 only queues.")
    devices: tuple[str, ...] = _setting(
        (), "Devices that models run on, a renderer each: cuda:0, cuda:1, mps, cpu; empty: the first GPU, else the CPU."
    )
    cors_origins: tuple[str, ...] = _setting(
        (), "Origins whose web pages may call the API from a browser: https://app.example.com; * for any; empty: none."
    )
    open: bool = _setting(
        False,
        "true lets callers of this machine in without a key; host must be a loopback address (see `serve --open`).",
    )
    submits_per_minute: int = _setting(60, "Submits a minute of a newly created default product, 1 or more.")
    concurrent_generations: int = _setting(100, "Unfinished generations of a newly created default product, 1 or more.")
    admin_key: str = _setting(
        "", "Key of the administration API, 32 characters or more; empty: there is no such API.", secret=True
    )
    retention_days: int = _setting(
        0, "Days that a newly created default product keeps finished generations, 0 to 36500; 0: until deleted."
    )
    fetch_allow_cidrs: tuple[str, ...] = _setting((), "Networks that pictures and callbacks may be on though private.")
    fetch_deny_cidrs: tuple[str, ...] = _setting((), "Further networks that are never connected to.")
    fetch_allowed_ports: tuple[int, ...] = _setting(
        (80, 443), "Ports that pictures and callbacks may be on; empty: any."
    )
    name_servers: tuple[str, ...] = _setting(
        (),
        "Name servers that look up the hosts of pictures and callbacks: 10.0.0.2, 10.0.0.2:5353; empty: the system's.",
    )
    contact: str = _setting(
        "", "A web or mail address that outgoing requests name as ours, as some picture hosts want; empty: none."
    )
    idle_unload_minutes: int = _setting(
        0, "Minutes without work after which a model's memory is freed, 0 to 10080; the next clip loads it; 0: never."
    )
    preview_seconds: float = _setting(
        1.0, "Least seconds between two pictures of a clip that is being made, 0 to 3600; 0: none are made."
    )
    shutdown_grace: float = _setting(8.0, "Seconds that a running render may still take at shutdown, 0 to 600.")
    server: str = _setting("", "A server's URL, which `generate`, `generations` and `mcp` then use; empty: none.")
    key: str = _setting("", "The key for that server.", secret=True)
    log_level: str = _setting("info", "debug, info, warning or error.")
    log_format: str = _setting("auto", "json, console, or auto: console on a terminal.")
    access_log: str = _setting(
        "auto", "A line in the log for each request: on, off, or auto: on where it is a terminal."
    )
    sources: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False, compare=False)
    """Source of each setting that has not its default: `file`, `environment` or `command line`."""


def setting_fields() -> Sequence[Field[Any]]:
    """The fields of `Settings` that are settings."""
    return [each for each in fields(Settings) if each.metadata]


_SECRETS = frozenset(each.name for each in setting_fields() if each.metadata["secret"])
_RANGES: Mapping[str, tuple[float, float]] = {
    "port": (0, 65535),
    "renderers": (0, 64),
    "submits_per_minute": (1, 1_000_000),
    "concurrent_generations": (1, 10_000_000),
    "retention_days": (0, 36_500),
    "idle_unload_minutes": (0, 10_080),
    "preview_seconds": (0, 3600),
    "shutdown_grace": (0, 600),
}
_SECRET_LENGTHS: Mapping[str, tuple[int, int]] = {"admin_key": (32, 128)}
_CONTACT = re.compile(r"[!-'*-~]{0,200}", re.ASCII)
"""Pattern of a contact: it stands in a header, in parentheses."""
_ORIGIN = re.compile(r"\*|[a-z][a-z0-9+.-]*://(?:[^\s/?#@:*A-Z\[\]]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "depth_model_gives": ("nearness", "distance"),
    "video_codec": ("h264", "av1"),
    "log_level": ("debug", "info", "warning", "error"),
    "log_format": ("auto", "json", "console"),
    "access_log": ("auto", "on", "off"),
}


_PATHS = frozenset({"catalogue", "weights_dir", "depth_model"})
"""Settings that are a path, or empty."""

_DEVICE = re.compile(r"cpu|mps|(?:cuda|xpu)(?::[0-9]{1,2})?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_EXAMPLE = "https://video.example.com"


def _trouble_with_url(value: str) -> str | None:
    remedy = f"give an address like {_EXAMPLE}, or {_EXAMPLE}/prefix, with http:// or https:// before it."
    try:
        url = urlsplit(value)
        odd = url.query or url.fragment or url.username is not None or url.port == 0
    except ValueError:
        return remedy
    whole = value.isascii() and value.isprintable() and not set(value) & set(' "<>\\^`{|}?#')
    return None if whole and url.scheme in ("http", "https") and url.hostname and not odd else remedy


def _trouble_with_networks(value: tuple[str, ...]) -> str | None:
    for text in value:
        try:
            ip_network(text.strip())
        except ValueError:
            return f"{text!r} is no network: write networks like 10.0.0.0/8 or ::1/128, no bits set behind the slash's."
    return None


def _trouble_with_ports(value: tuple[int, ...]) -> str | None:
    return None if all(1 <= port <= 65535 for port in value) else "a port is a number from 1 to 65535."


def _trouble_with_devices(value: tuple[str, ...]) -> str | None:
    odd = next((each for each in value if not _DEVICE.fullmatch(each)), None)
    return None if odd is None else f"{odd!r} is no device: give cuda:0, cuda:1, mps or cpu, as torch calls them."


def _trouble_with_host(value: str) -> str | None:
    return None if value.strip() else "give an address or a name of this machine; 0.0.0.0 is every interface."


def _trouble_with_storage(value: str) -> str | None:
    url = urlsplit(value) if value.startswith("s3://") and "[" not in value else None
    return None if value == "local" or (url is not None and url.netloc) else "give local or s3://bucket/prefix."


_TROUBLES: Mapping[str, Callable[[Any], str | None]] = {
    "host": _trouble_with_host,
    "public_url": _trouble_with_url,
    "storage": _trouble_with_storage,
    "devices": _trouble_with_devices,
    "fetch_allow_cidrs": _trouble_with_networks,
    "fetch_deny_cidrs": _trouble_with_networks,
    "fetch_allowed_ports": _trouble_with_ports,
}
"""Checks by setting: the problem of a value with its remedy; None for a good one."""
_MAY_BE_EMPTY = frozenset({"public_url"})


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
            values[name] = _convert(name, raw, types[name], source)
            sources[name] = source
    settings = Settings(**values, sources=MappingProxyType(sources))
    return settings, [_origin(each, settings, sources) for each in setting_fields()]


def _origin(each: Field[Any], settings: Settings, sources: Mapping[str, str]) -> Origin:
    value = getattr(settings, each.name)
    shown = "(set, hidden)" if each.metadata["secret"] and value else _shown(value)
    return Origin(each.name, shown, sources.get(each.name, "default"), each.metadata["doc"])


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={each}" for name, each in value.items())
    if isinstance(value, tuple):
        return ", ".join(str(each) for each in value)
    return str(value)


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


def _convert(name: str, raw: Any, kind: Any, source: str) -> Any:
    label = PREFIX + name.upper() if source == "environment" else name
    try:
        _refuse_bool(raw, kind)
        value = msgspec.convert(_split(raw, kind), kind, strict=False, dec_hook=_path)
        _refuse_control(value)
        if name in _PATHS and value:
            value = str(_path(Path, value))
    except (msgspec.ValidationError, ValueError) as error:
        shown = "not what it should be" if name in _SECRETS else repr(raw)
        raise SettingsError(f"{label} ({source}) is {shown}: {_sentence(error)}") from None
    if name in _RANGES and not _RANGES[name][0] <= value <= _RANGES[name][1]:
        low, high = _RANGES[name]
        raise SettingsError(f"{label} ({source}) is {value}: give a number from {low:g} to {high:g}.")
    if name in _SECRET_LENGTHS and value and not _is_secret(value, *_SECRET_LENGTHS[name]):
        low, high = _SECRET_LENGTHS[name]
        raise SettingsError(
            f"{label} ({source}) must be {low} to {high} characters of ASCII without spaces: "
            "take what `openssl rand -hex 32` prints."
        )
    if name == "contact" and not _CONTACT.fullmatch(value):
        raise SettingsError(f"{label} ({source}) must be an address like https://example.com/bot or bot@example.com.")
    if name == "cors_origins" and not all(map(_ORIGIN.fullmatch, value)):
        raise SettingsError(
            f"{label} ({source}) is {_shown(value)}: write each origin as browsers do, like https://app.example.com or "
            "http://localhost:3000, in small letters, without a path or a slash at its end; or * for any."
        )
    if name in _CHOICES and value not in _CHOICES[name]:
        raise SettingsError(f"{label} ({source}) is {value!r}: give one of {', '.join(_CHOICES[name])}.")
    if name in _TROUBLES and (value or name not in _MAY_BE_EMPTY):
        trouble = _TROUBLES[name](value)
        if trouble is not None:
            raise SettingsError(f"{label} ({source}) is {_shown(value)!r}: {trouble}")
    return value


def _refuse_bool(raw: Any, kind: Any) -> None:
    """Raise `ValueError` for true or false in the place of a number: Python takes them for 1 and 0."""
    if kind in (int, float) and isinstance(raw, bool):
        raise ValueError("expected a number, got true or false")


def _refuse_control(value: Any) -> None:
    """Raise `ValueError` for text with control characters, which no path, address or name has."""
    texts = [*value, *value.values()] if isinstance(value, Mapping) else value if isinstance(value, tuple) else [value]
    if any(_CONTROL.search(str(each)) for each in texts):
        raise ValueError("there is a control character in it")


def _is_secret(value: str, low: int, high: int) -> bool:
    return low <= len(value) <= high and value.isascii() and value.isprintable() and " " not in value


def _split(raw: Any, kind: Any) -> Any:
    """List or table from its text in the environment."""
    if not isinstance(raw, str) or kind in (str, int, float, bool, Path):
        return raw
    parts = [part.strip() for part in raw.split(",") if part.strip()]
    if getattr(kind, "__origin__", None) is tuple:
        return parts
    pairs = [part.partition("=") for part in parts]
    if not all(middle for _, middle, _ in pairs):
        raise ValueError("write it as name=value,name=value")
    return {left.strip(): right.strip() for left, _, right in pairs}


def _path(kind: type, value: Any) -> Any:
    if kind is not Path or not isinstance(value, str | Path):
        raise ValueError(f"expected {kind.__name__}")
    if not str(value).strip():
        raise ValueError("give a path")
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise ValueError("no home directory is known for what ~ stands for: give the whole path") from None


_WORDS: Mapping[str, str] = {
    "`int`": "a whole number",
    "`float`": "a number",
    "`bool`": "true or false",
    "`str`": "text",
    "`array`": "a list",
}


def _sentence(error: Exception) -> str:
    text = str(error).partition(" - at ")[0]
    for typed, words in _WORDS.items():
        text = text.replace(typed, words)
    return f"{text[:1].lower()}{text[1:]}.".replace("`", "")
