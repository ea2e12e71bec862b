"""`stillmotion demo`: one clip through the real thing, from HTTP submit to download, in a throw-away service."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from stillmotion.domain.errors import StillmotionError

DEFAULT_PROMPT = "slow push in towards the sun"
START_SECONDS = 30
SUBMIT = "/lumalabs-ai/v1/generateRequestFromImage"
POLL = "/lumalabs-ai-polling/v1/getStatus"
_IMAGE_TYPES: Mapping[str, str] = {
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".png": "png",
    ".webp": "webp",
    ".avif": "avif",
    ".gif": "gif",
}


class DemoFailed(StillmotionError):
    """The demo could not be carried through: the message says at which step and what to do."""


@dataclass(frozen=True, slots=True)
class _Caller:
    """The gateway's API as a customer calls it."""

    base: str
    key: str

    def post(self, path: str, body: dict[str, Any]) -> tuple[dict[str, Any], float]:
        """The answer and how far the render is, 0 to 1."""
        headers = {"Content-Type": "application/json", "Ocp-Apim-Subscription-Key": self.key}
        request = urllib.request.Request(self.base + path, json.dumps(body).encode(), headers)
        try:
            with _open(request) as answer:
                progress = float(answer.headers.get("X-Stillmotion-Progress", "0"))
                return json.load(answer), progress
        except urllib.error.HTTPError as error:
            raise DemoFailed(_refusal(error)) from error

    def download(self, url: str, path: Path) -> None:
        """Fetch an asset as a browser would, with no key."""
        try:
            with _open(urllib.request.Request(url)) as answer:
                path.write_bytes(answer.read())
        except urllib.error.HTTPError as error:
            raise DemoFailed(f"The clip could not be downloaded: the server answered {error.code}.") from error


def _open(request: urllib.request.Request) -> Any:
    """Straight to the server: a proxy in the environment is not meant for loopback."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60)


def _refusal(error: urllib.error.HTTPError) -> str:
    try:
        body = json.load(error)
        details = "; ".join(f"{each['field']} {each['message']}" for each in body.get("details", []))
    except (ValueError, AttributeError, KeyError, TypeError):
        return f"The server answered {error.code}."
    return f"The server answered {error.code}: {body.get('error')}{': ' + details if details else ''}."


@click.command("demo")
@click.argument("image", required=False)
@click.argument("prompt", required=False)
@click.option("-o", "--out", type=click.Path(path_type=Path), default=Path("out/demo.mp4"), show_default=True)
def command(image: str | None, prompt: str | None, out: Path) -> None:
    """Make a clip from IMAGE (a file or a URL) and PROMPT through the whole service.

    Starts the service on a free port with an empty data directory, makes a key, submits over HTTP, waits,
    downloads and checks the clip. With no IMAGE it moves a picture that it draws itself.
    """
    began = time.perf_counter()
    url = _address_of(image)
    out.parent.mkdir(parents=True, exist_ok=True)
    thumbnail = out.with_suffix(".jpg")
    with TemporaryDirectory(prefix="stillmotion-demo-") as directory, _service(Path(directory)) as base:
        caller = _Caller(base, _new_key(Path(directory)))
        body, _ = caller.post(SUBMIT, {"prompt": prompt or DEFAULT_PROMPT, "url": url})
        click.echo(f"Accepted as {body['id']}.")
        finished = _wait(caller, body["id"])
        if finished["state"] != "completed":
            raise DemoFailed(f"The generation failed: {finished['failure_reason']}")
        caller.download(finished["assets"]["video"], out)
        caller.download(finished["assets"]["image"], thumbnail)
    click.echo(_verified(out, thumbnail, time.perf_counter() - began))


def _address_of(image: str | None) -> str:
    """What goes into the request's `url`: a URL as it is, a file as a data URI."""
    if image is None:
        from stillmotion.media.sample import draw_sample

        return "data:image/jpeg;base64," + base64.b64encode(draw_sample()).decode()
    if image.startswith(("http://", "https://", "data:")):
        return image
    path = Path(image)
    kind = _IMAGE_TYPES.get(path.suffix.lower(), "jpeg")
    try:
        return f"data:image/{kind};base64," + base64.b64encode(path.read_bytes()).decode()
    except OSError as error:
        raise DemoFailed(f"{image} cannot be read: {error.strerror}. Give a picture's path or its URL.") from error


@contextmanager
def _service(directory: Path) -> Iterator[str]:
    """The service in a process of its own; gives its base URL. Its log is shown if it does not start."""
    log = directory / "serve.log"
    arguments = [sys.executable, "-m", "stillmotion", "serve", "--port", "0", "--data-dir", str(directory / "data")]
    with log.open("wb") as errors:
        process = subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=errors, env=_clean_environment(), text=True
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith("Listening on "):
            raise DemoFailed(f"The service did not start: {log.read_text(errors='replace').strip()[-2000:]}")
        base = line.split()[2]
        click.echo(f"A service of its own listens on {base}.")
        yield base
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("STILLMOTION_")}


def _new_key(directory: Path) -> str:
    arguments = [sys.executable, "-m", "stillmotion", "keys", "create", "--name", "demo", "--json"]
    done = subprocess.run(
        [*arguments, "--data-dir", str(directory / "data")],
        capture_output=True,
        text=True,
        env=_clean_environment(),
        check=False,
    )
    if done.returncode != 0:
        raise DemoFailed(f"No key could be made: {done.stderr.strip()}")
    return str(json.loads(done.stdout)["key"])


def _wait(caller: _Caller, generation_id: str) -> dict[str, Any]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:>9}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(*columns, TimeElapsedColumn()) as shown:
        task = shown.add_task("queued", total=1.0)
        while True:
            body, progress = caller.post(POLL, {"task_id": generation_id})
            done = body["state"] == "completed"
            shown.update(task, description=body["state"], completed=1.0 if done else progress)
            if body["state"] in ("completed", "failed"):
                return body
            time.sleep(0.25)


def _verified(out: Path, thumbnail: Path, seconds: float) -> str:
    """Decode the clip to its last frame and say what it is."""
    from stillmotion.media.probe import probe

    clip = probe(out)
    return (
        f"{out}  {out.stat().st_size / 1e6:.1f} MB  {clip.size.width}×{clip.size.height}  "
        f"{clip.seconds:.1f} s  {clip.frame_count} frames  made in {seconds:.1f} s  (thumbnail {thumbnail})"
    )
