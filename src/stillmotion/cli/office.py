"""What the commands of the administration share: their options, and the store they work on."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from stillmotion.application.administration import Administration
from stillmotion.cli.main import load_settings
from stillmotion.composition import administration

Result = TypeVar("Result")

data_dir_option = click.option("--data-dir", type=click.Path(path_type=Path), help="The server's data directory.")
json_option = click.option("--json", "as_json", is_flag=True, help="As JSON, for scripts.")


def at_work(ctx: click.Context, data_dir: Path | None, work: Callable[[Administration], Awaitable[Result]]) -> Result:
    """What comes of some work in the administration, whether a server runs or not."""
    settings = load_settings(ctx, data_dir=data_dir)

    async def do() -> Result:
        with administration(settings) as office:
            return await work(office)

    return asyncio.run(do())


def print_json(shown: Any) -> None:
    """One line on standard output."""
    click.echo(msgspec.json.encode(shown).decode())


def print_fields(shown: msgspec.Struct, absent: str = "-") -> None:
    """A line for each field; `absent` is said of what is null."""
    for name, value in msgspec.structs.asdict(shown).items():
        if value is not msgspec.UNSET:
            click.echo(f"{name:24} {absent if value is None else _text(value)}")


def _text(value: Any) -> str:
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.asdict(value)
    if isinstance(value, dict):
        return "  ".join(f"{name} {each}" for name, each in value.items())
    return ", ".join(value) if isinstance(value, tuple) else str(value)
