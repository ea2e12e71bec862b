"""The three tools of the MCP server."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from stillmotion.cli.generate.plan_text import describe
from stillmotion.cli.generate.targets import Asked, ClipOrder, Made
from stillmotion.client import AsyncClient, Waiting
from stillmotion.config import Settings
from stillmotion.domain.camera_concepts import HONOURED
from stillmotion.domain.errors import StillmotionError
from stillmotion.outputs import CLIP, IfThere, Output, Words, place

INSTRUCTIONS = """\
Turn a picture and a sentence into a short video. generate_video waits until the video is written to a file, which \
takes from seconds to minutes. Say what the camera and the things in the picture do, e.g. "slow orbit to the left, \
leaves fall". The result says what was understood of the prompt, and what really rendered the video."""

_STEP = 0.02
"""Least progress between two notifications, of 1."""

Result = TypeVar("Result")
Report = Callable[[float, float, str], Awaitable[None]]


class ToolContext:
    """State of the tools: a server or the embedded engine, a folder, and the session's clips."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._made: dict[str, dict[str, Any]] = {}
        self._turn = asyncio.Semaphore(1)

    async def generate(self, image: str, asked: Asked, report: Report) -> dict[str, Any]:
        """Make a clip, one at a time, and describe it with its path."""
        async with self._turn:
            order = ClipOrder(image, _free_place(self._folder, asked.prompt))
            made = await self._make(order, asked, report)
        assert made.out is not None, "it went into the folder"
        told = {
            "id": made.id or made.out.stem,
            "state": "completed",
            "prompt": asked.prompt,
            "file": str(made.out.resolve()),
            **{name: value for name, value in made.described().items() if name != "id"},
            "understood": describe(made.plan),
        }
        self._made[told["id"]] = told
        return told

    async def get(self, generation_id: str) -> dict[str, Any]:
        """Describe a generation of the server's, or one made here."""
        here = self._made.get(generation_id, {})
        if self._settings.server:
            async with self._client() as client:
                return here | _described(await client.get(generation_id))
        if not here:
            raise ToolError(f"There is no generation {generation_id} in this session: list_generations names them.")
        return here

    async def list(self, limit: int) -> list[dict[str, Any]]:
        """Describe the generations, newest first."""
        if self._settings.server:
            async with self._client() as client:
                return [_described(each) for each in (await client.list(limit=limit)).generations]
        return list(self._made.values())[::-1][:limit]

    def _client(self) -> AsyncClient:
        from stillmotion.cli.server_address import address

        return AsyncClient(*address(self._settings))

    async def _make(self, order: ClipOrder, asked: Asked, report: Report) -> Made:
        from stillmotion.cli.generate.command import maker_of

        follower = _Follower(report)
        async with maker_of(asked, self._settings) as maker:
            made = await maker.make(order, follower)
        await asyncio.gather(*follower.telling)
        return made


class _Follower:
    """Report that notifies the assistant of progress now and then."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._told = -1.0
        self.telling: set[asyncio.Task[None]] = set()

    def __call__(self, stage: str, fraction: float, preview: str | None = None, /) -> None:
        del preview
        if fraction >= self._told + _STEP:
            self._tell(fraction, stage)

    def waiting(self, waiting: Waiting) -> None:
        from stillmotion.cli.waits import label

        self._tell(max(self._told, 0.0), label(waiting))

    def _tell(self, fraction: float, stage: str) -> None:
        self._told = fraction
        self.telling.add(asyncio.ensure_future(_quietly(self._report(fraction, 1.0, stage))))


async def _quietly(telling: Awaitable[None]) -> None:
    """Ignore the error of an assistant that takes no progress notifications: it gets its clip all the same."""
    with suppress(Exception):
        await telling


def tools(settings: Settings, folder: Path) -> MCPServer:
    """The MCP server with its three tools."""
    server = MCPServer("stillmotion", instructions=INSTRUCTIONS)
    workshop = ToolContext(settings, folder)

    @server.tool()
    async def generate_video(
        image: Annotated[str, Field(description="The picture: a path on this machine, or an http(s) URL.")],
        prompt: Annotated[str, Field(description="What happens in the video, in plain words.")],
        context: Context,
        end_image: Annotated[str | None, Field(description="A picture to end on.")] = None,
        camera: Annotated[list[str] | None, Field(description=f"Camera moves, of: {', '.join(HONOURED)}.")] = None,
        aspect_ratio: Literal["1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21"] | None = None,
        seconds: Annotated[float | None, Field(description="Length, 1 to 12; 5 if left out.")] = None,
        resolution: Literal["540p", "720p", "1080p", "4k"] | None = None,
        loop: Annotated[bool, Field(description="The end leads into the beginning.")] = False,
        seed: Annotated[int | None, Field(description="The same seed gives the same video.")] = None,
        codec: Annotated[
            Literal["h264", "av1"] | None, Field(description="h264, which plays everywhere, or av1, which is smaller.")
        ] = None,
    ) -> dict[str, Any]:
        """Make a video of a picture and a prompt, and write it to a file. Waits until it is there."""
        asked = Asked(
            prompt, end_image, tuple(camera or ()), aspect_ratio, seconds, resolution, loop, seed, codec=codec
        )
        return await _told(workshop.generate(image, asked, context.report_progress))

    @server.tool()
    async def get_generation(id: str) -> dict[str, Any]:  # noqa: A002 - the assistant's word for it
        """Look at one generation: its state, how far it is, where the video is."""
        return await _told(workshop.get(id))

    @server.tool()
    async def list_generations(
        limit: Annotated[int, Field(ge=1, le=100, description="How many, the newest first.")] = 20,
    ) -> list[dict[str, Any]]:
        """List the generations: those of the key on a server, or those made in this session."""
        return await _told(workshop.list(limit))

    del generate_video, get_generation, list_generations
    return server


async def _told(work: Awaitable[Result]) -> Result:
    """Result of `work`, or its error as a sentence for the assistant."""
    try:
        return await work
    except StillmotionError as error:
        raise ToolError(str(error)) from error


def _free_place(folder: Path, prompt: str) -> Output:
    """Free path in the folder, named after the prompt and numbered where that name is taken."""
    stem = "-".join(re.findall(r"[a-z0-9]+", prompt.lower())[:6])[:60] or "clip"
    words = Words("another --folder")
    return place(f"{folder}/", CLIP, stem, if_there=IfThere.NUMBER, words=words)


def _described(generation: Any) -> dict[str, Any]:
    """A generation as the assistant sees it."""
    kept = ("id", "state", "progress", "prompt", "model", "engine", "failure_reason", "video_url", "image_url")
    known = {name: getattr(generation, name) for name in kept}
    created = generation.created_at
    known["created_at"] = created.isoformat() if created else None
    return {name: value for name, value in known.items() if value is not None}
