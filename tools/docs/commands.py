"""The reference of commands: their own help."""

import re
from collections.abc import Iterator
from importlib import import_module

import click

from stillmotion.cli.main import cli
from tools.docs.markdown import code, literal, table

WIDTH = 100


def commands() -> str:
    """The help of every command, as `--help` prints it."""
    return "\n".join(f"## `{name}`\n\n{code(command_help)}" for name, command_help in _helps("stillmotion", cli, None))


def command_names() -> list[str]:
    """Every command's full name, `stillmotion keys create`."""
    return [name for name, _ in _helps("stillmotion", cli, None)]


def chores() -> str:
    """The chores of `dev.py`."""
    listed = import_module("dev").CHORES.items()
    rows = [(literal(f"python3 dev.py {name} {chore.takes}".strip()), chore.does) for name, chore in listed]
    return table(("Chore", "What it does"), rows)


def _helps(name: str, command: click.Command, parent: click.Context | None) -> Iterator[tuple[str, str]]:
    own = name.rpartition(" ")[2]
    inherited = {} if parent else {"terminal_width": WIDTH, "max_content_width": WIDTH}
    context = click.Context(command, parent=parent, info_name=own, **{**command.context_settings, **inherited})
    yield name, re.sub(r"[ \t]+$", "", command.get_help(context), flags=re.MULTILINE)
    if isinstance(command, click.Group):
        for sub in command.list_commands(context):
            found = command.get_command(context, sub)
            if found is not None:
                yield from _helps(f"{name} {sub}", found, context)
