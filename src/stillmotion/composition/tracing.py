"""Tracing of a process: on if the standard variables `OTEL_*` name a collector and the extra is installed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from typing import Final

from stillmotion.application.ports.tracing import NO_TRACING, Tracing
from stillmotion.config import SettingsError

INSTALL: Final = "pip install 'stillmotion[otel]'"
_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_SPOKEN: Final = "http/protobuf"


@contextmanager
def traced(environment: Mapping[str, str]) -> Iterator[Tracing]:
    """The tracing that an environment asks for; the last spans are exported at the end.

    Raises `SettingsError` where it asks for what is not there.
    """
    if not is_asked_for(environment):
        yield NO_TRACING
        return
    try:
        from stillmotion.adapters.tracing import OtelTracing
    except ImportError as error:
        raise SettingsError(
            f"Tracing is asked for (OTEL_…), but is not installed: {INSTALL}, or set OTEL_SDK_DISABLED=true."
        ) from error

    tracing = OtelTracing(version("stillmotion"))
    try:
        yield tracing
    finally:
        tracing.close()


def is_asked_for(environment: Mapping[str, str]) -> bool:
    """True if a collector is named and nothing turns tracing off. Raises `SettingsError` for what is not spoken."""
    exporter = environment.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true" or exporter == "none":
        return False
    if exporter not in ("", "otlp"):
        raise SettingsError(f"OTEL_TRACES_EXPORTER is {exporter}: set otlp, or none.")
    if not exporter and not any(environment.get(each) for each in _ENDPOINTS):
        return False
    protocol = next((environment[each] for each in _PROTOCOLS if environment.get(each)), _SPOKEN)
    if protocol != _SPOKEN:
        raise SettingsError(
            f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol}: set {_SPOKEN}, which most collectors take at port 4318."
        )
    return True
