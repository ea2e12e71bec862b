"""Trial of a model: loads it and makes a small clip; another server is only asked for its state."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stillmotion.cli.sample_picture import draw_sample
from stillmotion.composition.engines import local_trouble, renderer_for, server_trouble, video_codec
from stillmotion.config import Settings
from stillmotion.domain.catalogue import Ability, CatalogueError, Entry
from stillmotion.domain.errors import GenerationFailed, StillmotionError
from stillmotion.domain.request import MIN_SECONDS, GenerationRequest, Resolution
from stillmotion.worker.renderer.handle import RendererDied, RendererProcess
from stillmotion.worker.renderer.protocol import Done, KeyframeFile, Render

PROMPT = "slow push in"


class NotWarm(StillmotionError):
    """The model cannot make clips: the message gives the reason."""


@dataclass(frozen=True, slots=True)
class Warmth:
    """Measured times in seconds: loading, the first clip, and the same clip again.

    Another server makes no clip; `answered_in` is the time of its answer.
    """

    loaded_in: float | None = None
    first_clip_in: float | None = None
    next_clip_in: float | None = None
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    answered_in: float | None = None

    @property
    def sentence(self) -> str:
        """The times as a sentence."""
        if self.answered_in is not None:
            return f"its server answers, in {self.answered_in:.2f} s; no clip was made"
        return (
            f"loaded in {self.loaded_in:.1f} s; a clip of {self.frames} frames, {self.width}×{self.height}, in "
            f"{self.first_clip_in:.1f} s, the same again in {self.next_clip_in:.1f} s"
        )

    @property
    def described(self) -> Mapping[str, Any]:
        """The times as a JSON object, without those that were not measured."""
        return {name: value for name, value in asdict(self).items() if value is not None}


async def warmed(entry: Entry, settings: Settings) -> Warmth:
    """Try a model. Raises `CatalogueError`, `NotWarm` and the errors of a renderer's start."""
    entry.check_licence(frozenset(settings.accepted_licences))
    began = time.monotonic()
    if entry.server is not None:
        trouble = await server_trouble(entry)
        if trouble is not None:
            raise NotWarm(trouble)
        return Warmth(answered_in=time.monotonic() - began)
    trouble = local_trouble(entry, settings)
    if trouble is not None:
        raise NotWarm(trouble)
    renderer = renderer_for(entry, settings)
    try:
        ready = await renderer.start()
        loaded_in = time.monotonic() - began
        if entry.engine_name not in ready.engines:
            raise CatalogueError(f"{entry.name}: no renderer of this installation has an engine {entry.engine_name}.")
        return await _timed(renderer, entry, settings, loaded_in)
    except RendererDied as died:
        raise NotWarm(died.why) from died
    except GenerationFailed as failed:
        raise NotWarm(failed.reason) from failed
    finally:
        await renderer.stop()


async def _timed(renderer: RendererProcess, entry: Entry, settings: Settings, loaded_in: float) -> Warmth:
    with TemporaryDirectory(prefix="stillmotion-warm-") as folder:
        picture = Path(folder, "picture.jpg")
        await asyncio.to_thread(picture.write_bytes, draw_sample())
        times: list[float] = []
        done: Done | None = None
        for _ in range(2):
            began = time.monotonic()
            done = await renderer.render(_order(renderer, entry, settings, picture), lambda _: None)
            times.append(time.monotonic() - began)
        assert done is not None, "two clips were made"
        return Warmth(loaded_in, times[0], times[1], done.width, done.height, done.frames)


def _order(renderer: RendererProcess, entry: Entry, settings: Settings, picture: Path) -> Render:
    """Order for the model's smallest clip, with a picture where it takes one."""
    has = entry.abilities
    starts = bool(has & {Ability.FIRST, Ability.ANY, Ability.LAST})
    return Render(
        ticket=renderer.ticket(),
        engine=entry.engine_name,
        output=str(picture.parent),
        request=GenerationRequest(
            PROMPT,
            resolution=Resolution.P540,
            seconds=max(MIN_SECONDS, entry.frames.nearest(0) / entry.fps),
            codec=video_codec(settings),
        ),
        frame0=KeyframeFile(str(picture)) if starts else None,
        frame1=KeyframeFile(str(picture)) if starts and not has & {Ability.FIRST, Ability.ANY} else None,
    )
