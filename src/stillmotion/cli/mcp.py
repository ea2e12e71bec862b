"""`stillmotion mcp`: assistants make clips, over the Model Context Protocol."""

import asyncio
import re
from pathlib import Path
from typing import Any

import click

from stillmotion.cli.main import load_settings, server_options
from stillmotion.domain.errors import StillmotionError


class McpMissing(StillmotionError):
    """The protocol's library is not installed."""


@click.command("mcp")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    show_default="the current one",
    help="Where clips are written. Nothing in it is overwritten.",
)
@server_options
@click.pass_context
def command(ctx: click.Context, folder: Path, server: str | None, key: str | None) -> None:
    """Serve an assistant over MCP, on standard input and output, until it hangs up.

    Tools: generate_video, get_generation and list_generations. Clips are made on the server that --server or the
    settings name; with none, right here with the embedded engine. The assistant may have any picture read that you
    can read.
    """
    settings = load_settings(ctx, server=server, key=key)
    try:
        from stillmotion.cli.mcp_tools import tools
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in {"mcp", "mcp_types", "pydantic"}:
            raise
        raise McpMissing("This needs the protocol's library: pip install 'stillmotion[mcp]'.") from error
    asyncio.run(tools(settings, folder).run_stdio_async())


def free_name(folder: Path, prompt: str) -> Path:
    """A file in the folder that is not there yet, named after the prompt."""
    words = "-".join(re.findall(r"[a-z0-9]+", prompt.lower())[:6])[:60] or "clip"
    names = (folder / f"{words}{f'-{number}' if number > 1 else ''}.mp4" for number in range(1, 10_000))
    return next(name for name in names if not name.exists())


def described(generation: Any) -> dict[str, Any]:
    """A generation as an assistant is told of it."""
    kept = ("id", "state", "progress", "prompt", "model", "engine", "failure_reason", "video_url", "image_url")
    known = {name: getattr(generation, name) for name in kept}
    created = generation.created_at
    known["created_at"] = created.isoformat() if created else None
    return {name: value for name, value in known.items() if value is not None}
