"""The standard variables decide on tracing, and without them none of it is loaded."""

import socket
import subprocess
import sys
import time

import pytest

pytest.importorskip("opentelemetry.sdk", reason="needs OpenTelemetry: pip install stillmotion[otel]")

from stillmotion.adapters.tracing import LAST_SPANS_SECONDS
from stillmotion.composition.tracing import is_asked_for, traced
from stillmotion.config import SettingsError

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    ("environment", "asked"),
    [
        ({}, False),
        (ENDPOINT, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"}, False),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "true"}, False),
        ({**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, True),
        ({"OTEL_SERVICE_NAME": "clips"}, False),
    ],
)
def test_a_collector_is_asked_for_by_the_standard_variables(environment, asked):
    assert is_asked_for(environment) is asked


@pytest.mark.parametrize(
    ("name", "value"), [("OTEL_TRACES_EXPORTER", "zipkin"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]
)
def test_what_is_not_spoken_is_refused_by_name(name, value):
    with pytest.raises(SettingsError, match=f"{name} is {value}: set "):
        is_asked_for({**ENDPOINT, name: value})


def test_without_the_extra_the_remedy_is_said(monkeypatch):
    monkeypatch.delitem(sys.modules, "stillmotion.adapters.tracing", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(SettingsError, match=r"pip install 'stillmotion\[otel\]'"), traced(ENDPOINT):
        pass


def test_a_server_without_tracing_loads_none_of_it():
    look = "import sys, stillmotion.cli.serve.listening; sys.exit('opentelemetry' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look], check=False).returncode == 0


def test_a_collector_that_hangs_does_not_hold_up_the_end(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        with traced({"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}) as tracing:
            with tracing.span("fetch"):
                pass
            began = time.monotonic()
        assert time.monotonic() - began < LAST_SPANS_SECONDS + 1
