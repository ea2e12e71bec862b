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
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from stillmotion.cli.generate.depth_hint import hint, moves_by_estimate
from stillmotion.cli.generate.plan_text import describe
from stillmotion.cli.generate.targets import is_address
from stillmotion.domain.errors import StillmotionError
from stillmotion.domain.plurals import plural
from stillmotion.domain.request import VideoCodec
from stillmotion.outputs import (
    CLIP,
    THUMBNAIL,
    IfThere,
    InputPaths,
    Output,
    OutputRefused,
    collision,
    is_folder,
    place,
    put,
)

DEFAULT_PROMPT = "slow push in towards the sun"
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
    """The demo failed: the message names the step and the remedy."""


@dataclass(frozen=True, slots=True)
class _Caller:
    """Caller of the gateway's API, as a customer's program is."""

    base: str
    key: str

    def post(self, path: str, body: dict[str, Any]) -> tuple[dict[str, Any], float]:
        """POST JSON: the response's body, and the render's progress from 0 to 1."""
        headers = {"Content-Type": "application/json", "Ocp-Apim-Subscription-Key": self.key}
        request = urllib.request.Request(self.base + path, json.dumps(body).encode(), headers)
        try:
            with _open(request) as answer:
                progress = float(answer.headers.get("X-Stillmotion-Progress", "0"))
                return json.load(answer), progress
        except urllib.error.HTTPError as error:
            raise DemoFailed(_refusal(error)) from error
        except OSError as error:
            raise DemoFailed(f"The service at {self.base} does not answer any more ({error}): try again.") from error

    def plan(self, generation_id: str) -> str:
        """The plan of a generation, as JSON; empty where there is none."""
        request = urllib.request.Request(
            f"{self.base}/generations/{generation_id}/plan", headers={"Ocp-Apim-Subscription-Key": self.key}
        )
        try:
            with _open(request) as answer:
                return json.dumps(json.load(answer)["plan"])
        except (OSError, ValueError, KeyError):  # It is told beside the clip: no reason to fail.
            return ""

    def download(self, url: str, path: Path) -> Path:
        """Download an asset without a key, as a browser does."""
        try:
            with _open(urllib.request.Request(url)) as answer:
                path.write_bytes(answer.read())
        except urllib.error.HTTPError as error:
            raise DemoFailed(f"The clip could not be downloaded: the server answered {error.code}.") from error
        except OSError as error:
            raise DemoFailed(f"The clip could not be downloaded from {url} ({error}): try again.") from error
        return path


def _open(request: urllib.request.Request) -> Any:
    """Open a URL directly: a proxy in the environment is not meant for loopback."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60)


def _refusal(error: urllib.error.HTTPError) -> str:
    try:
        body = json.load(error)
        details = "; ".join(f"{each['field']} {each['message']}" for each in body.get("details", []))
    except (ValueError, AttributeError, KeyError, TypeError):
        return f"The server answered {error.code}."
    reason = error.headers.get("X-Stillmotion-Reason")
    why = f" ({reason})" if reason else ""
    return f"The server answered {error.code}: {body.get('error')}{why}{': ' + details if details else ''}."


@click.command("demo")
@click.argument("image", required=False, type=click.Path())
@click.argument("prompt", required=False)
@click.option(
    "-o",
    "--out",
    type=click.Path(),
    help="The MP4 to write, a folder, or - for standard output. Default: out/demo.mp4.",
)
@click.option("--codec", type=click.Choice([each.value for each in VideoCodec]), help="h264 if left out.")
@click.option("--overwrite", is_flag=True, help="Replace the clip and the thumbnail that are there already.")
def command(image: str | None, prompt: str | None, out: str | None, codec: str | None, overwrite: bool) -> None:
    """Make a clip from IMAGE (a file or a URL) and PROMPT through the whole service.

    Starts the service on a free port with an empty data directory, makes a key, submits over HTTP, waits,
    downloads and checks the clip. With no IMAGE it moves a picture that it draws itself. In a folder the clip is called
    demo.mp4, or by the next free number; its thumbnail lies beside it as demo.thumbnail.jpg.
    """
    began = time.perf_counter()
    named = "out/" if out is None else out
    try:
        places = _Places.of(named, image, overwrite=overwrite)
    except OutputRefused as error:
        raise click.UsageError(str(error)) from error
    url = _address_of(image)
    with TemporaryDirectory(prefix="stillmotion-demo-") as directory, _service(Path(directory)) as base:
        click.echo(f"A service of its own listens on {base}.", err=places.aside)
        caller = _Caller(base, _new_key(Path(directory)))
        body, _ = caller.post(SUBMIT, {"prompt": prompt or DEFAULT_PROMPT, "url": url, "codec": codec})
        click.echo(f"Accepted as {body['id']}.", err=places.aside)
        finished = _wait(caller, body["id"])
        if finished["state"] != "completed":
            raise DemoFailed(f"The generation failed: {finished['failure_reason']}")
        clip = caller.download(finished["assets"]["video"], Path(directory, "clip.mp4"))
        thumbnail = caller.download(finished["assets"]["image"], Path(directory, "thumbnail.jpg"))
        facts, plan = _verified(clip), caller.plan(body["id"])
        where = places.put(clip, thumbnail)
    for line in describe(plan):
        click.echo(line, err=places.aside)
    click.echo(f"{where[0]}  {facts}  made in {time.perf_counter() - began:.1f} s{where[1]}", err=places.aside)
    if moves_by_estimate(plan):
        click.echo(hint(), err=True)


@dataclass(frozen=True, slots=True)
class _Places:
    """Places of the clip and, where the clip is a file, of its thumbnail."""

    clip: Output
    thumbnail: Output | None

    @classmethod
    def of(cls, named: str, image: str | None, *, overwrite: bool) -> "_Places":
        """Resolve the places. Only a named file is replaced, and only with --overwrite. Raises `OutputRefused`."""
        if_there = IfThere.REPLACE if overwrite else IfThere.NUMBER if is_folder(named) else IfThere.REFUSE
        inputs = InputPaths([image] if image and not is_address(image) else ())
        clip = place(named, CLIP, "demo", if_there=if_there, inputs=inputs)
        if not clip.is_file:
            return cls(clip, None)
        assert clip.path is not None
        thumbnail = place(_beside(clip.path), THUMBNAIL, "", if_there=if_there, inputs=inputs)
        if collision((clip, thumbnail)):
            raise OutputRefused(f"{clip} and its thumbnail {thumbnail} are one file: give another place with -o.")
        return cls(clip, thumbnail)

    @property
    def aside(self) -> bool:
        """True where the clip goes to standard output, so that messages must not."""
        return self.clip.is_standard_output

    def put(self, clip: Path, thumbnail: Path) -> tuple[str, str]:
        """Write both files, and return a sentence with their paths."""
        written = put(clip, self.clip)
        if self.thumbnail is None or written is None:
            return str(self.clip), ""
        beside = replace(self.thumbnail, path=Path(_beside(written)))
        return str(written), f"  (thumbnail {put(thumbnail, beside)})"


def _beside(clip: Path) -> str:
    """Path of a clip's thumbnail: a name that no photograph is likely to have."""
    return str(clip.with_suffix(".thumbnail.jpg"))


def _address_of(image: str | None) -> str:
    """Value of the request's `url`: a URL as it is, a file as a data URI."""
    if image is None:
        from stillmotion.cli.sample_picture import draw_sample

        return "data:image/jpeg;base64," + base64.b64encode(draw_sample()).decode()
    if is_address(image):
        return image
    path = Path(image)
    kind = _IMAGE_TYPES.get(path.suffix.lower(), "jpeg")
    try:
        return f"data:image/{kind};base64," + base64.b64encode(path.read_bytes()).decode()
    except OSError as error:
        raise DemoFailed(f"{image} cannot be read: {error.strerror}. Give a picture's path or its URL.") from error


@contextmanager
def _service(directory: Path) -> Iterator[str]:
    """Run the service in a process of its own and yield its base URL. Its log is shown if it does not start."""
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
        yield line.split()[2]
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
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:>9}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as shown:
        task = shown.add_task("queued", total=1.0)
        while True:
            body, progress = caller.post(POLL, {"task_id": generation_id})
            done = body["state"] == "completed"
            shown.update(task, description=body["state"], completed=1.0 if done else progress)
            if body["state"] in ("completed", "failed"):
                return body
            time.sleep(0.25)


def _verified(clip: Path) -> str:
    """Decode the clip's first frame, and describe the clip in a sentence."""
    from stillmotion.media.input.probe import probe

    facts = probe(clip)
    return (
        f"{clip.stat().st_size / 1e6:.1f} MB  {facts.size.width}×{facts.size.height}  "
        f"{facts.seconds:.1f} s  {plural(facts.frame_count, 'frame')}"
    )
