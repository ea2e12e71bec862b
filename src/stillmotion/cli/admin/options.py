"""Options shared by the operator's commands, and the administration over the store."""

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click
import msgspec

from stillmotion.application.administration import Administration
from stillmotion.cli.main import load_settings
from stillmotion.composition.administration import administration
from stillmotion.composition.installation import Missing, directory_of
from stillmotion.config import Settings
from stillmotion.config.store_urls import is_shared

Result = TypeVar("Result")

LOOKS: Final = frozenset({"list", "show", "status"})
"""Names of commands that change nothing."""

_NO_DETAILS: Final = frozenset({"data_dir", "as_json", "yes"})

data_dir_option = click.option("--data-dir", type=click.Path(path_type=Path), help="The server's data directory.")
json_option = click.option("--json", "as_json", is_flag=True, help="As JSON, for scripts.")


def at_work(
    ctx: click.Context,
    data_dir: Path | None,
    work: Callable[[Administration], Awaitable[Result]],
    missing: Missing = Missing.REFUSE,
    *,
    is_look: bool = False,
) -> Result:
    """Run `work` on the administration, whether a server runs or not, and return its result.

    A command is noted in the log of actions before it is carried out, unless it only looks.
    Work that may create the data directory names the directory on standard error: its path may be mistyped.
    """
    settings = load_settings(ctx, data_dir=data_dir)

    async def do() -> Result:
        with administration(settings, missing) as office:
            if not (is_look or ctx.info_name in LOOKS):
                await _note(ctx, office)
            return await work(office)

    done = asyncio.run(do())
    if missing is Missing.MAKE:
        click.echo(_where(settings), err=True)
    return done


async def note(ctx: click.Context, settings: Settings) -> None:
    """Note a command in the log of actions, as `at_work` does, before it is carried out over the store itself."""
    with administration(settings) as office:
        await _note(ctx, office)


async def _note(ctx: click.Context, office: Administration) -> None:
    await office.log.note(operator_here(), _name_of(ctx), "", _given(ctx))


def _where(settings: Settings) -> str:
    if is_shared(settings.store):
        return f"Kept in {settings.place}."
    directory = directory_of(settings, Missing.REFUSE)
    if directory.holder is not None:
        return f"Kept in {directory.root}."
    start = f"start one with: {directory.command('serve')}"
    if directory.was_served:
        return f"Kept in {directory.root}. No server runs over it just now: {start}"
    return f"Kept in {directory.root}, which is new, and no server uses it: {start}"


def _name_of(ctx: click.Context) -> str:
    """The words of a command, without the program's name."""
    words = []
    while ctx.parent is not None:
        words.append(ctx.info_name or "")
        ctx = ctx.parent
    return " ".join(reversed(words))


def _given(ctx: click.Context) -> dict[str, str]:
    """Options and arguments of a command as text. None of them is a secret."""
    given = ((name, value) for name, value in ctx.params.items() if name not in _NO_DETAILS)
    return {name: str(value) for name, value in given if value is not None}


def operator_here() -> str:
    """The name of this machine's user, for the log of actions."""
    try:
        return f"{getpass.getuser()} on the command line"
    except (KeyError, OSError):
        return "somebody on the command line"


def print_json(shown: Any) -> None:
    """Print JSON on one line of standard output."""
    click.echo(msgspec.json.encode(shown).decode())


def print_fields(shown: msgspec.Struct, absent: str = "-") -> None:
    """Print a line for each field, with `absent` for null."""
    for name, value in msgspec.structs.asdict(shown).items():
        if value is not msgspec.UNSET:
            click.echo(f"{name:24} {absent if value is None else _text(value)}")


def _text(value: Any) -> str:
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.asdict(value)
    if isinstance(value, dict):
        return "  ".join(f"{name} {each}" for name, each in value.items())
    return ", ".join(value) if isinstance(value, tuple) else str(value)
