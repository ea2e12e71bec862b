"""`stillmotion config`."""

import json

import click

from stillmotion.cli.main import environment, settings_file
from stillmotion.config import load


@click.command("config")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Show every setting, its value and where that came from.

    Set one with its variable, or by its name in the settings file (--config FILE).
    """
    _, origins = load(environment(), settings_file(ctx))
    if as_json:
        shown = {each.name: {"value": each.value, "source": each.source, "doc": each.doc} for each in origins}
        click.echo(json.dumps(shown, indent=2))
        return
    for each in origins:
        click.echo(f"{click.style(each.variable, bold=True)} = {each.value}  ({each.source})")
        click.echo(f"    {each.doc}")
