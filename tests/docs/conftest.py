"""A live server, and a web server with the sample picture."""

import http.server
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from stillmotion.cli.sample_picture import draw_sample


@dataclass(frozen=True)
class Live:
    """A running service: its address, a key, a picture as URL and file, and the secret and port of callbacks."""

    base: str
    key: str
    picture_url: str
    picture_file: Path
    callback_secret: str
    callback_port: int


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments) -> None:
        """Suppress the log."""


BELOW_EPHEMERAL = range(20000, 32000)
"""Ports that no system of ours hands out by itself: one that is free now is free when a program starts."""


def free_port() -> int:
    """A port for a program that is started later. An ephemeral one could be another test's by then."""
    for port in random.sample(BELOW_EPHEMERAL, len(BELOW_EPHEMERAL)):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no port is free")


@pytest.fixture(scope="session")
def picture(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "sample.jpg"
    path.write_bytes(draw_sample())
    return path


@pytest.fixture(scope="session")
def live(tmp_path_factory, picture) -> Iterator[Live]:
    pictures = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(picture.parent)))
    threading.Thread(target=pictures.serve_forever, daemon=True).start()
    port, callbacks = pictures.server_address[1], free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STILLMOTION_")}
    environment["STILLMOTION_DATA_DIR"] = str(tmp_path_factory.mktemp("data"))
    environment["STILLMOTION_ADMIN_KEY"] = "of-the-operator-32-characters-or-more"
    environment["STILLMOTION_FETCH_ALLOW_CIDRS"] = "127.0.0.1/32"
    environment["STILLMOTION_FETCH_ALLOWED_PORTS"] = f"{port},{callbacks}"
    command = [sys.executable, "-m", "stillmotion"]
    issued = subprocess.run([*command, "keys", "create", "--json"], env=environment, stdout=subprocess.PIPE, check=True)
    serving = subprocess.Popen([*command, "serve", "--port", "0"], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert serving.stdout is not None
        said = serving.stdout.readline().split()
        assert said[:2] == ["Listening", "on"]
        made = json.loads(issued.stdout)
        address = f"http://127.0.0.1:{port}/{picture.name}"
        yield Live(said[2], made["key"], address, picture, made["callback_secret"], callbacks)
    finally:
        serving.send_signal(signal.SIGTERM)
        serving.wait(20)
        serving.stdout.close()
        pictures.shutdown()
        pictures.server_close()
