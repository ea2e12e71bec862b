"""`stillmotion mcp`: a Model Context Protocol server for assistants."""

import asyncio
from pathlib import Path

import click

from stillmotion.cli.main import load_settings, server_options
from stillmotion.domain.errors import StillmotionError


class McpMissing(StillmotionError):
    """The library `mcp` is not installed."""


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
        from stillmotion.cli.mcp.tools import tools
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in {"mcp", "mcp_types", "pydantic"}:
            raise
        raise McpMissing("This needs the protocol's library: pip install 'stillmotion[mcp]'.") from error
    asyncio.run(tools(settings, folder).run_stdio_async())
