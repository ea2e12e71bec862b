"""The README from top to bottom, as a stranger follows it: a fresh clone, an empty home, no tools.

Every fenced block is run as it stands. Three kinds of text are replaced: placeholders that the reader is told to
replace (the key, an id, an address from an answer), the port, and the pictures' addresses on the internet.
"""

import contextlib
import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from stillmotion.cli.sample_picture import draw_sample
from tests.docs.conftest import Quiet, free_port
from tests.docs.markdown_pages import ROOT
from tests.waiting import eventually

BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
FROM_OUTSIDE = (
    "PIP_",
    "UV_",
    "SSL_",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "http",
    "HTTP",
    "no_proxy",
    "NO_PROXY",
)
"""Prefixes of variables that tell how this machine reaches the package index. The README needs none of them."""
PICTURES = (
    "https://storage.googleapis.com/imagesai.appypie.com/testing/00034_00.jpg",
    "https://example.com/photo.jpg",
)
SECONDS = 600


class Reader:
    """A person with two terminals, who follows the README in its order."""

    def __init__(self, clone: Path, home: Path, pictures: str, environment: dict[str, str]) -> None:
        self.clone, self.environment = clone, environment
        self.port = free_port()
        environment |= {
            "HOME": str(home),
            "STILLMOTION_PORT": str(self.port),
            "BASE_URL": f"http://127.0.0.1:{self.port}",
        }
        self.known = {"127.0.0.1:8080": f"127.0.0.1:{self.port}"} | dict.fromkeys(PICTURES, f"{pictures}/photo.jpg")
        self.prelude = ""
        self.server: subprocess.Popen[str] | None = None
        self.ran: list[str] = []

    def put_in(self, text: str) -> str:
        for shown, meant in self.known.items():
            text = text.replace(shown, meant)
        return text

    def run(self, text: str) -> str:
        """The output of a block in the second terminal. Its activations and exports last for later blocks."""
        script = f"set -e\n{self.prelude}\n{self.put_in(text)}"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.clone,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        lines = [line for line in text.splitlines() if line.startswith((". ", "export "))]
        self.prelude = "\n".join([self.prelude, *map(self.put_in, lines)])
        self.ran.append(text)
        return done.stdout

    def start(self, text: str) -> None:
        """Run a block in the first terminal, where it goes on until the end."""
        self.server = subprocess.Popen(
            ["bash", "-c", text.replace("stillmotion serve", "exec stillmotion serve")],
            cwd=self.clone,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=(self.clone.parent / "serve.log").open("w"),
            text=True,
        )
        assert self.server.stdout is not None
        assert self.server.stdout.readline().startswith("Listening on ")
        self.ran.append(text)

    def stop(self) -> None:
        if self.server is not None:
            self.server.send_signal(signal.SIGTERM)
            self.server.wait(30)
            assert self.server.stdout is not None
            self.server.stdout.close()

    def follow(self, language: str, text: str) -> None:
        """Run one block, and remember the values that later blocks need."""
        if language == "python":
            (self.clone / "shown.py").write_text(self.put_in(text))
            self.run("python shown.py")
        elif "stillmotion serve" in text:
            self.start(text)
        elif "keys create" in text:
            said = self.run(text)
            self.known["sm_..."] = re.search(r"^key +(\S+)$", said, re.MULTILINE)[1]
            self.prelude = self.prelude.replace("sm_...", self.known["sm_..."])
        elif "generateRequestFromImage" in text:
            self.known['"ID"'] = json.dumps(json.loads(self.run(text))["id"])
        elif '"task_id": "ID"' in text:
            self.poll_and_download(text)
        else:
            self.run(text)

    def poll_and_download(self, text: str) -> None:
        """Repeat the first command until it prints `completed`, then run the second."""
        poll, download = text.split("\ncurl -o ")

        def look() -> dict | None:
            body = json.loads(self.run(poll))
            assert body["state"] in ("queued", "dreaming", "completed"), body
            return body if body["state"] == "completed" else None

        body = eventually(look, 120)
        self.known["VIDEO_URL"] = body["assets"]["video"]
        self.run(f"curl -o {download}")
        assert (self.clone / "clip.mp4").read_bytes()[4:8] == b"ftyp"


def fresh_clone(place: Path) -> Path:
    """A copy of the tracked and the new files, without anything built."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("this is no checkout")
    for name in filter(lambda each: (ROOT / each).is_file(), listed.stdout.splitlines()):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, place / name)
    return place


@pytest.fixture
def reader(tmp_path):
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "python3").symlink_to(Path(sys.executable).resolve())
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    home = tmp_path / "home"
    home.mkdir()
    clone = fresh_clone(tmp_path / "stillmotion")
    (clone / "photo.jpg").write_bytes(draw_sample())
    pictures = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(clone)))
    threading.Thread(target=pictures.serve_forever, daemon=True).start()
    port = pictures.server_address[1]
    environment = {name: value for name, value in os.environ.items() if name.startswith(FROM_OUTSIDE)}
    environment |= {
        "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin",
        "STILLMOTION_FETCH_ALLOW_CIDRS": "127.0.0.1/32",
        "STILLMOTION_FETCH_ALLOWED_PORTS": str(port),
    }
    reader = Reader(clone, home, f"http://127.0.0.1:{port}", environment)
    yield reader
    with contextlib.suppress(ProcessLookupError):
        reader.stop()
    pictures.shutdown()
    pictures.server_close()


@pytest.mark.slow
def test_every_line_works_in_the_order_in_which_it_stands(reader):
    blocks = BLOCK.findall((ROOT / "README.md").read_text("utf-8"))
    assert {language for language, _ in blocks} == {"sh", "python"}
    for language, text in blocks:
        reader.follow(language, text)
    assert len(blocks) >= 12
    made = {path.relative_to(reader.clone).as_posix() for path in reader.clone.rglob("*.mp4")}
    assert made >= {"out/demo.mp4", "clip.mp4", "from-python.mp4", "from-openai.mp4", "there.mp4", "here.mp4"}
    assert "clips/photo.mp4" in made
