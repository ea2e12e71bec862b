"""`stillmotion generate`: the command itself."""

import asyncio
import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from stillmotion.cli.completion import wire_names
from stillmotion.cli.generate.depth_hint import DepthHint
from stillmotion.cli.generate.plan_text import describe
from stillmotion.cli.generate.progress_bars import Bars, bars
from stillmotion.cli.generate.targets import Asked, ClipMaker, ClipOrder, Made, Makers, is_address, orders
from stillmotion.cli.main import EXIT_INTERRUPTED, EXIT_REFUSED, load_settings, server_options
from stillmotion.config import Settings
from stillmotion.domain.camera_concepts import HONOURED, SUGGESTED
from stillmotion.domain.errors import StillmotionError
from stillmotion.domain.plurals import plural
from stillmotion.domain.request import AspectRatio, Resolution, VideoCodec
from stillmotion.outputs import IfThere, Output, OutputRefused

_WORDS: Final[Mapping[str, str]] = {
    "prompt": "PROMPT",
    **dict.fromkeys(("frame0", "frame0.url", "keyframes.frame0", "keyframes.frame0.url"), "IMAGE"),
    **dict.fromkeys(("frame1", "frame1.url", "keyframes.frame1", "keyframes.frame1.url"), "--end"),
    **dict.fromkeys(("seconds", "duration"), "--seconds"),
    "resolution": "--resolution",
    "aspect_ratio": "--aspect",
    "loop": "--loop",
    "seed": "--seed",
    "model": "--model",
    "codec": "--codec",
    "concepts": "--camera",
}
"""Command-line words for the parts of a request, by their names in the domain and on a server's surface."""

_NAMED: Final = re.compile(r"(^|; )([a-z0-9_.]+)(?=: )")

_camera = click.option(
    "--camera",
    type=click.Choice([*HONOURED, *SUGGESTED]),
    multiple=True,
    metavar="MOVE",
    help="A camera move: orbit_left, push_in, … May be given several times.",
)


@click.command("generate")
@click.argument("images", nargs=-1, type=click.Path(), metavar="IMAGE...")
@click.argument("prompt")
@click.option(
    "-o", "--out", type=click.Path(), help="The MP4 to write, a folder, or - for standard output. Default: IMAGE.mp4."
)
@click.option("--end", type=click.Path(), metavar="FILE|URL", help="A picture to end on.")
@_camera
@click.option(
    "--depth",
    type=click.Path(),
    metavar="FILE|URL",
    help="A grey picture of IMAGE's depth, bright being near. Without a server only.",
)
@click.option("--depth-inverted", is_flag=True, help="In the picture of --depth, bright is far.")
@click.option("--seconds", type=float, help="Length, 1 to 12; 5 if left out.")
@click.option("--resolution", type=click.Choice([each.value for each in Resolution]), help="720p if left out.")
@click.option("--aspect", type=click.Choice([each.value for each in AspectRatio]), help="Default: the picture's own.")
@click.option("--loop", is_flag=True, help="The end leads into the beginning.")
@click.option("--seed", type=int, help="Vary what is left to chance; the same seed gives the same clip.")
@click.option(
    "--codec",
    type=click.Choice([each.value for each in VideoCodec]),
    help="How the clip is compressed: h264, or av1, smaller and sooner done. h264 if left out.",
)
@click.option("--model", shell_complete=wire_names, help="One of the server's models.")
@server_options
@click.option("--overwrite", is_flag=True, help="Replace clips that are there already.")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each picture and no bar, for scripts.")
@click.pass_context
def command(ctx: click.Context, /, images: tuple[str, ...], out: str | None, **given: Any) -> None:
    """Turn each IMAGE (a file or a URL) and PROMPT into a clip.

    On the server that --server or the settings name; with none, right here with the embedded engine. A name that ends
    in a slash, is a folder or has no suffix is a folder's. Nothing that is there is overwritten without --overwrite,
    and a picture never is; of several pictures, those whose clips are there and whole are passed over, so that a call
    that was cut off can be repeated. Ctrl-C leaves nothing half-made.
    """
    from stillmotion.cli.logs import configure

    _check_words(images, given["prompt"])
    as_json, overwrite = given.pop("as_json"), given.pop("overwrite")
    settings = load_settings(ctx, server=given.pop("server"), key=given.pop("key"))
    configure(settings.log_level, settings.log_format)
    bright_is_far = given.pop("depth_inverted")
    asked = Asked(**given, depth_bright_is_far=bright_is_far)
    _check(asked, settings)
    others = [each for each in (asked.end, asked.depth) if each]
    hint = DepthHint(settings)
    try:
        placed = orders(images, out, others=others, overwrite=overwrite)
    except OutputRefused as error:
        raise click.UsageError(str(error)) from error
    try:
        with bars(live=not as_json) as shown:
            tell = _Teller(as_json, shown, aside=placed[0].out.is_standard_output, hint=hint)
            outcomes = asyncio.run(_make_all(maker_of(asked, settings), placed, shown, tell))
    except KeyboardInterrupt:
        click.echo("Cancelled; nothing is left half-made.", err=True)
        sys.exit(EXIT_INTERRUPTED)
    except StillmotionError as error:
        raise NotMade(_in_our_words(error)) from error
    if not (as_json or settings.server):
        hint.tell(partial(click.echo, err=True))
    _end(outcomes, as_json=as_json)


def _check_words(images: Sequence[str], prompt: str) -> None:
    """Refuse a call without a prompt, or with an unquoted one, whose words would be taken for pictures."""
    if not images:
        raise click.UsageError(f"Give a picture and then a prompt: there is only {prompt!r}.")
    if _is_there(prompt, file=True):
        raise click.UsageError(f"The prompt comes last, and {prompt} is a file: say what is to happen in the picture.")
    for image in images:
        if not (is_address(image) or Path(image).suffix or _is_there(image)):
            raise click.UsageError(f"{image} is no file. If it belongs to the prompt, put that in quotes.")


def _is_there(named: str, *, file: bool = False) -> bool:
    """True where a path exists; with `file`, as a file. A prompt may be longer than any file name."""
    try:
        return Path(named).is_file() if file else Path(named).exists()
    except (OSError, ValueError):
        return False


def _check(asked: Asked, settings: Settings) -> None:
    if asked.depth_bright_is_far and not asked.depth:
        raise click.UsageError("--depth-inverted says how to read --depth: give that too.")
    if asked.depth and settings.server:
        raise click.UsageError("--depth works without a server only: leave out --server and STILLMOTION_SERVER.")
    if asked.model and not settings.server:
        raise click.UsageError("--model chooses among a server's models: give --server too.")


def _in_our_words(error: StillmotionError) -> str:
    """An error's sentence, with the parts of a request called as on the command line."""
    return _NAMED.sub(lambda found: found[1] + _WORDS.get(found[2], found[2]), str(error))


def maker_of(asked: Asked, settings: Settings) -> Makers:
    """Maker over the server that the settings name, else over the embedded engine."""
    if settings.server:
        from stillmotion.cli.generate.remote import there

        return there(asked, settings)
    from stillmotion.cli.generate.local import here

    return here(asked, settings)


class NotMade(StillmotionError):
    """No clip was made: the message gives the reason and the remedy."""


@dataclass(frozen=True, slots=True)
class _Teller:
    """Reporter of each picture's outcome at once: clips on standard output, errors on standard error.

    With `aside` everything goes to standard error, since standard output carries the clip itself.
    """

    as_json: bool
    shown: Bars
    aside: bool
    hint: DepthHint

    def made(self, order: ClipOrder, made: Made) -> None:
        self.hint.see(made.plan)
        if self.as_json:
            plan = json.loads(made.plan) if made.plan else None
            self._line(order, "completed", **made.described(), plan=plan)
            return
        facts = f"{made.size / 1e6:.1f} MB  {made.width}×{made.height}  {plural(made.frames, 'frame')}"
        first = f"{order.out}  {facts}  rendered by {made.engine} in {made.seconds:.1f} s"
        with self.shown.aside():
            click.echo("\n".join((first, *describe(made.plan))), err=self.aside)

    def passed_over(self, order: ClipOrder) -> None:
        if self.as_json:
            self._line(order, "skipped")
            return
        with self.shown.aside():
            click.echo(f"{order.out} is there and whole: passed over (--overwrite makes it again).", err=True)

    def failed(self, order: ClipOrder, error: StillmotionError) -> None:
        if self.as_json:
            self._line(order, "failed", reason=_in_our_words(error))
            return
        with self.shown.aside():
            click.echo(f"{order.image}: {_in_our_words(error)}", err=True)

    def _line(self, order: ClipOrder, state: str, **facts: Any) -> None:
        line = json.dumps({"image": order.image, "out": str(order.out), "state": state, **facts})
        click.echo(line, err=self.aside)


async def _make_all(makers: Makers, placed: Sequence[ClipOrder], shown: Bars, tell: _Teller) -> list[str]:
    """Make all clips and return each outcome: made, kept or failed. A single picture's error is raised."""
    async with makers as maker:
        if len(placed) == 1:
            tell.made(placed[0], await _make(maker, placed[0], shown))
            return ["made"]
        limit = asyncio.Semaphore(maker.at_once)

        async def one(order: ClipOrder) -> str:
            async with limit:
                try:
                    if order.out.if_there is IfThere.KEEP and order.out.is_there:
                        await asyncio.to_thread(_check_whole, order.out)
                        tell.passed_over(order)
                        return "kept"
                    made = await _make(maker, order, shown)
                except StillmotionError as error:
                    tell.failed(order, error)
                    return "failed"
                tell.made(order, made)
                return "made"

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(order)) for order in placed]
    return [task.result() for task in tasks]


async def _make(maker: ClipMaker, order: ClipOrder, shown: Bars) -> Made:
    with shown.bar(Path(order.image).name) as report:
        return await maker.make(order, report)


def _check_whole(out: Output) -> None:
    """Raise `OutputRefused` for an existing file that is no playable clip: it may be a person's only copy."""
    from stillmotion.media.input.probe import BrokenClip, probe

    try:
        probe(out.real, whole=True)
    except (BrokenClip, OSError) as error:
        raise OutputRefused(f"{out} is there, and is no whole clip: --overwrite replaces it.") from error


def _end(outcomes: Sequence[str], *, as_json: bool) -> None:
    """Print the counts of several pictures, and exit with 1 if one failed."""
    failed = outcomes.count("failed")
    if len(outcomes) > 1 and not as_json:
        click.echo(f"{outcomes.count('made')} made, {outcomes.count('kept')} passed over, {failed} failed.", err=True)
    if failed:
        sys.exit(EXIT_REFUSED)
