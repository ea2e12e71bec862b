"""`stillmotion models load` and `unload`: wishes that every worker over the data directory follows."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import click

from stillmotion.application.administration import Administration
from stillmotion.application.models.supervision import ShelvedModel
from stillmotion.cli.admin.options import at_work, data_dir_option, json_option, operator_here, print_json
from stillmotion.cli.completion import entries
from stillmotion.http.surfaces.admin.rooms.models import catalogue_model

Act = Callable[[Administration, str, str], Awaitable[ShelvedModel]]


def _command(name: str, act: Act, text: str) -> click.Command:
    """A command of one model."""

    @click.command(name, help=text)
    @click.argument("model", shell_complete=entries)
    @data_dir_option
    @json_option
    @click.pass_context
    def wish(ctx: click.Context, model: str, data_dir: Path | None, as_json: bool) -> None:
        shelved = at_work(ctx, data_dir, lambda office: act(office, model, operator_here()))
        if as_json:
            print_json(catalogue_model(shelved))
            return
        state, reason = shelved.state.name, shelved.state.reason
        click.echo(
            f"{model}: {state} now{f' ({reason})' if reason else ''}; each worker follows when its lane is free."
        )

    return wish


LOAD: Final = _command(
    "load",
    lambda office, model, actor: office.models.load(model, actor),
    "Have MODEL loaded by every worker that makes its clips, in place of another that its device holds.",
)
UNLOAD: Final = _command(
    "unload",
    lambda office, model, actor: office.models.unload(model, actor),
    "Have the memory of MODEL freed once the clip under way is made. The next clip that needs it loads it again.",
)
