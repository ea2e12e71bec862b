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


def confirm(question: str, *, yes: bool, is_needed: bool = False) -> None:
    """Ask at a terminal. A no ends the command with exit code 1.

    One that `is_needed` ends a script too, which has not said `--yes`.
    """
    shown = sys.stderr if sys.stderr.isatty() else sys.stdout
    if yes:
        return
    if not (sys.stdin.isatty() and shown.isatty()):
        if is_needed:
            click.echo(f"{question} Nobody can be asked here: give --yes if you mean it. Nothing was done.", err=True)
            sys.exit(EXIT_REFUSED)
        return
    if not click.confirm(question, err=shown is sys.stderr):
        click.echo("Nothing was done.", err=True)
        sys.exit(EXIT_REFUSED)
