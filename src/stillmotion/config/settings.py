"""The settings of an operator: name, type, default and documentation of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from platformdirs import user_data_path

from stillmotion.config.store_urls import is_shared, without_password
from stillmotion.domain.errors import StillmotionError

PREFIX: Final = "STILLMOTION_"


class SettingsError(StillmotionError):
    """Wrong setting: the message names it, its source, and the remedy."""


def default_place() -> Path:
    """This system's folder for a user's data; `~` for a user without a home, refused where a directory is needed."""
    try:
        return user_data_path("stillmotion", appauthor=False)
    except RuntimeError:
        return Path("~")


def _setting(default: Any, doc: str, *, secret: bool = False, as_shown: Callable[[Any], Any] | None = None) -> Any:
    """A setting. A `secret` one is never shown, and one with `as_shown` only in the form that this returns."""
    metadata = {"doc": doc, "secret": secret, "as_shown": as_shown}
    return field(default_factory=lambda: default, metadata=metadata, repr=not secret and as_shown is None)


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
    trusted_proxies: int = _setting(
        0,
        "Reverse proxies and balancers in front of the server, 0 to 9. With 1 the last address of X-Forwarded-For is "
        "the caller's, by which wrong administrators' keys are counted; with 2 the second last.",
    )
    storage: str = _setting("local", "Where clips go: local (in data_dir) or s3://bucket/prefix; gs and az too.")
    storage_options: Mapping[str, str] = _setting(
        MappingProxyType({}), "Options of the bucket: for S3 region, endpoint, keys.", secret=True
    )
    store: str = _setting(
        "local",
        "Where the queue and the records are: local (SQLite in data_dir), or a PostgreSQL database that many servers "
        "and workers share: postgresql://user@host/database (needs stillmotion[postgres], secret and public_url).",
        as_shown=without_password,
    )
    secret: str = _setting(
        "",
        "The secret of keys and links, 64 hexadecimal digits, the same for every process of an installation; empty: "
        "secret_file, or else the file secret in data_dir.",
        secret=True,
    )
    secret_file: str = _setting("", "A file that holds the secret, as containers and systemd give it; empty: none.")
    secret_before: str = _setting(
        "",
        "A second secret that is accepted while the secret is changed; see docs/howto/keys.md. Empty: none.",
        secret=True,
    )
    signals: str = _setting(
        "auto",
        "How processes that share a PostgreSQL store wake each other: listen; poll, which a pooler in transaction mode "
        "needs; or auto: listen, but in large fleets.",
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
    worker_models: tuple[str, ...] = _setting(
        (), "Models that this process makes clips of, by their names in the catalogue; empty: all that are offered."
    )
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

    @property
    def place(self) -> str:
        """The place of the records, as people may see it: the shared store without its password, or the directory."""
        return without_password(self.store) if is_shared(self.store) else str(self.data_dir)


def setting_text(each: Field[Any], value: Any) -> str:
    """A setting's value as people may see it, in one line."""
    if each.metadata["secret"] and value:
        return "(set, hidden)"
    if (as_shown := each.metadata["as_shown"]) is not None:
        value = as_shown(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={each}" for name, each in value.items())
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def setting_fields() -> Sequence[Field[Any]]:
    """The fields of `Settings` that are settings."""
    return [each for each in fields(Settings) if each.metadata]
