"""`stillmotion generate`: one clip in this process's own renderer, with no server and no key."""

import asyncio
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from stillmotion.cli.main import load_settings
from stillmotion.cli.plans import describe
from stillmotion.composition import image_source, renderers, video_codec
from stillmotion.config import Settings
from stillmotion.domain.errors import GenerationFailed, InvalidRequest, Problem, StillmotionError
from stillmotion.domain.keyframes import ImageKeyframe
from stillmotion.domain.request import AspectRatio, GenerationRequest, Resolution
from stillmotion.worker.messages import Done, Render
from stillmotion.worker.messages import Progress as RenderProgress
from stillmotion.worker.renderer_process import RendererDied, RendererProcess, RendererUnfit

ENGINE = "parallax/1"


class GenerateFailed(StillmotionError):
    """No clip was made: the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class _Order:
    """What was asked on the command line."""

    image: str
    end: str | None
    depth: str | None
    depth_bright_is_far: bool
    request: GenerationRequest
    out: Path
    settings: Settings


@click.command("generate")
@click.argument("image")
@click.argument("prompt")
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The MP4 to write.")
@click.option("--end", help="A picture (file or URL) to end on.")
@click.option("--depth", help="A grey picture (file or URL) of IMAGE's depth, bright being near.")
@click.option("--depth-inverted", is_flag=True, help="In the picture of --depth, bright is far.")
@click.option("--seconds", type=float, default=5.0, show_default=True, help="Length, 1 to 12.")
@click.option("--resolution", type=click.Choice([each.value for each in Resolution]), default="720p", show_default=True)
@click.option("--aspect", type=click.Choice([each.value for each in AspectRatio]), help="Default: the picture's own.")
@click.option("--loop", is_flag=True, help="The end leads into the beginning.")
@click.option("--seed", type=int, help="Vary what is left to chance; the same seed gives the same clip.")
@click.pass_context
def command(
    ctx: click.Context,
    image: str,
    prompt: str,
    out: Path,
    end: str | None,
    depth: str | None,
    depth_inverted: bool,
    seconds: float,
    resolution: str,
    aspect: str | None,
    loop: bool,
    seed: int | None,
) -> None:
    """Turn IMAGE (a file or a URL) and PROMPT into a clip, here, with the embedded engine."""
    request = GenerationRequest(
        prompt=prompt,
        frame0=ImageKeyframe(image),
        frame1=ImageKeyframe(end) if end else None,
        aspect_ratio=AspectRatio(aspect) if aspect else None,
        loop=loop,
        seconds=seconds,
        resolution=Resolution(resolution),
        seed=seed,
    )
    if depth_inverted and not depth:
        raise click.UsageError("--depth-inverted says how to read --depth: give that too.")
    order = _Order(image, end, depth, depth_inverted, request, out, load_settings(ctx))
    try:
        done = asyncio.run(_generate(order))
    except RendererUnfit:
        raise
    except (GenerationFailed, RendererDied) as error:
        failure = error.as_failure() if isinstance(error, RendererDied) else error
        raise GenerateFailed(failure.reason) from error
    except KeyboardInterrupt:
        click.echo("Cancelled; nothing was written.", err=True)
        sys.exit(130)
    size = out.stat().st_size / 1e6
    facts = f"{size:.1f} MB  {done.width}×{done.height}  {done.frames} frames"
    click.echo(f"{out}  {facts}  rendered by {ENGINE} in {done.seconds:.1f} s")
    for line in describe(done.plan):
        click.echo(line)


async def _generate(order: _Order) -> Done:
    renderer = renderers(order.settings)()
    with TemporaryDirectory(prefix="stillmotion-") as folder:
        named = {"IMAGE": order.image, "--end": order.end, "--depth": order.depth}
        files = {
            name: await _picture(image, name, Path(folder, name.strip("-")), order.settings)
            for name, image in named.items()
            if image
        }
        await renderer.start()
        try:
            done = await _render(renderer, order, folder, files)
        finally:
            await renderer.stop()
        order.out.parent.mkdir(parents=True, exist_ok=True)
        whole = order.out.with_name(f".{order.out.name}.part")
        shutil.copyfile(done.video.path, whole)
        whole.replace(order.out)
        return done


async def _render(renderer: RendererProcess, order: _Order, folder: str, files: Mapping[str, str]) -> Done:
    request = order.request
    message = Render(
        ticket=renderer.ticket(),
        engine=ENGINE,
        prompt=request.prompt,
        output=folder,
        frame0=files["IMAGE"],
        frame1=files.get("--end"),
        aspect_ratio=request.aspect_ratio,
        resolution=request.resolution,
        seconds=request.seconds,
        loop=request.loop,
        seed=request.seed or 0,
        depth=files.get("--depth"),
        depth_bright_is_far=order.depth_bright_is_far,
        codec=video_codec(order.settings),
    )
    columns = (TextColumn("{task.description:>9}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(*columns, TimeElapsedColumn(), transient=True) as shown:
        task = shown.add_task("starting", total=1.0)

        def follow(progress: RenderProgress) -> None:
            shown.update(task, description=progress.stage.value, completed=progress.fraction)

        return await renderer.render(message, follow)


async def _picture(image: str, named: str, fetched: Path, settings: Settings) -> str:
    """The file that holds the picture: the one named, or what was fetched from the URL."""
    if image.startswith(("http://", "https://")):
        images = image_source(settings)
        images.connections.guard.check(named, image)
        await images.fetch(image, str(fetched))
        return str(fetched)
    if not Path(image).is_file():
        raise InvalidRequest(Problem(named, f"{image} is not a file: give a picture's path or its URL"))
    return str(Path(image).resolve())
