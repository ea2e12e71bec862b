"""Confirmation before an irreversible step. Only a person at a terminal is asked, never a script."""

import sys
from collections.abc import Callable
from typing import TypeVar

import click

from stillmotion.cli.main import EXIT_REFUSED

Command = TypeVar("Command", bound=Callable[..., object])


def yes_option(command: Command) -> Command:
    """Decorator: the option `--yes`, which skips the question."""
    return click.option("--yes", "-y", is_flag=True, help="Do not ask first. Nobody is asked off a terminal.")(command)


def confirm(question: str, *, yes: bool) -> None:
    """Ask at a terminal. A no ends the command with exit code 1."""
    shown = sys.stderr if sys.stderr.isatty() else sys.stdout
    if yes or not (sys.stdin.isatty() and shown.isatty()):
        return
    if not click.confirm(question, err=shown is sys.stderr):
        click.echo("Nothing was done.", err=True)
        sys.exit(EXIT_REFUSED)
