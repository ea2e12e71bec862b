"""Conversion of one setting from its text or TOML value, with the sentence for a wrong one."""

import re
from collections.abc import Callable, Mapping
from dataclasses import Field
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from stillmotion.config.settings import PREFIX, SettingsError, setting_fields, setting_text
from stillmotion.config.store_urls import trouble_with_store

_FIELDS: Mapping[str, Field[Any]] = {each.name: each for each in setting_fields()}
_HIDDEN = frozenset(each.name for each in _FIELDS.values() if each.metadata["secret"] or each.metadata["as_shown"])
"""Settings whose wrong values are not repeated."""
_RANGES: Mapping[str, tuple[float, float]] = {
    "port": (0, 65535),
    "trusted_proxies": (0, 9),
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
    "signals": ("auto", "listen", "poll"),
}


_PATHS = frozenset({"catalogue", "weights_dir", "depth_model", "secret_file"})
"""Settings that are a path, or empty."""

_DEVICE = re.compile(r"cpu|mps|(?:cuda|xpu)(?::[0-9]{1,2})?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_EXAMPLE = "https://video.example.com"
_LOGIN = re.compile(r"//[^/\s]*@")
"""Pattern of a user and a password in a URL."""
_SECRET = re.compile(r"[0-9a-fA-F]{64}")


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
    url = urlsplit(value) if value.startswith(("s3://", "gs://", "az://")) and "[" not in value else None
    if url is not None and "@" in url.netloc:
        return "write no keys into the address: give them in the setting storage_options."
    return None if value == "local" or (url is not None and url.netloc) else "give local or s3://bucket/prefix."


def _trouble_with_server(value: str) -> str | None:
    return "write no password into the address: give the setting key." if _LOGIN.search(value) else None


def _trouble_with_secret(value: str) -> str | None:
    return None if _SECRET.fullmatch(value) else "give 64 hexadecimal digits: what `openssl rand -hex 32` prints."


_TROUBLES: Mapping[str, Callable[[Any], str | None]] = {
    "host": _trouble_with_host,
    "public_url": _trouble_with_url,
    "storage": _trouble_with_storage,
    "store": trouble_with_store,
    "secret": _trouble_with_secret,
    "secret_before": _trouble_with_secret,
    "server": _trouble_with_server,
    "devices": _trouble_with_devices,
    "fetch_allow_cidrs": _trouble_with_networks,
    "fetch_deny_cidrs": _trouble_with_networks,
    "fetch_allowed_ports": _trouble_with_ports,
}
"""Checks by setting: the problem of a value with its remedy; None for a good one."""
_MAY_BE_EMPTY = frozenset({"public_url", "secret", "secret_before", "server"})


def convert(name: str, raw: Any, kind: Any, source: str) -> Any:
    """One setting's value. Raises `SettingsError`."""
    label = PREFIX + name.upper() if source == "environment" else name
    try:
        _refuse_bool(raw, kind)
        value = msgspec.convert(_split(raw, kind), kind, strict=False, dec_hook=_path)
        _refuse_control(value)
        if name in _PATHS and value:
            value = str(_path(Path, value))
    except (msgspec.ValidationError, ValueError) as error:
        raise SettingsError(f"{label} ({source}) is {_shown(name, repr(raw))}: {_sentence(error)}") from None
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
            f"{label} ({source}) is {', '.join(value)}: write each origin as browsers do, like "
            "https://app.example.com or http://localhost:3000, in small letters, without a path or a slash at its end; "
            "or * for any."
        )
    if name in _CHOICES and value not in _CHOICES[name]:
        raise SettingsError(f"{label} ({source}) is {value!r}: give one of {', '.join(_CHOICES[name])}.")
    if name in _TROUBLES and (value or name not in _MAY_BE_EMPTY):
        trouble, text = _TROUBLES[name](value), setting_text(_FIELDS[name], value)
        if trouble is not None:
            raise SettingsError(f"{label} ({source}) is {_shown(name, repr(text))}: {trouble}")
    return value


def _shown(name: str, text: str) -> str:
    """A wrong value as its sentence repeats it: no secret, and no user and password of a URL."""
    return "not what it should be" if name in _HIDDEN else _LOGIN.sub("//(hidden)@", text)


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
