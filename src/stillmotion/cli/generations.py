"""`stillmotion generations`: the generations of a key on a server."""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import click

from stillmotion.cli import completion
from stillmotion.cli.confirmation import confirm, yes_option
from stillmotion.cli.generate.plan_text import describe
from stillmotion.cli.generate.progress_bars import bars, standing
from stillmotion.cli.main import EXIT_INTERRUPTED, EXIT_REFUSED, Overview, load_settings, server_options
from stillmotion.cli.server_address import connect
from stillmotion.cli.whole_ids import NoSuchId, whole_id
from stillmotion.client import Client, ClientError, Filters, Generation, NotFound, Options
from stillmotion.domain.plurals import plural
from stillmotion.outputs import CLIP, THUMBNAIL, IfThere, Output, OutputRefused, is_folder, place, put

_SHOWN_PROMPT = 60
_STATES: Final = ("queued", "dreaming", "completed", "failed")
_NO_NAME: Final = re.compile(r"[^0-9A-Za-z_-]")
_json = click.option("--json", "as_json", is_flag=True, help="As JSON, for scripts.")
_id = click.argument("id_", metavar="ID", shell_complete=completion.generations)


@click.group("generations", cls=Overview)
def command() -> None:
    """List, show, watch, repeat, share, cancel, delete and download the generations of your key on a server.

    An id may be shortened to a beginning that no other generation of yours has.
    """


@command.command("list")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="How many.")
@click.option("--offset", type=click.IntRange(0), default=0, help="After how many of the newest.")
@click.option("--after", metavar="ID", help="After this one.")
@click.option("--state", multiple=True, type=click.Choice(_STATES), help="In this state. May be given several times.")
@click.option("--model", metavar="NAME", help="Made by this model.")
@click.option("--search", metavar="TEXT", help="With this text in the prompt, the id or the metadata.")
@click.option("--metadata", multiple=True, metavar="NAME=VALUE", help="With this pair. May be given several times.")
@server_options
@_json
@click.pass_context
def list_(
    ctx: click.Context,
    limit: int,
    offset: int,
    after: str | None,
    state: tuple[str, ...],
    model: str | None,
    search: str | None,
    metadata: tuple[str, ...],
    server: str | None,
    key: str | None,
    as_json: bool,
) -> None:
    """Your generations, the newest first."""
    filters: Filters = {"metadata": _pairs(metadata)}
    if state:
        filters["state"] = state
    if model is not None:
        filters["model"] = model
    if search is not None:
        filters["search"] = search
    with _client(ctx, server, key) as client:
        if after is not None:
            filters["after"] = whole_id(client, after)
        page = client.list(limit=limit, offset=offset, **filters)
    if as_json:
        click.echo(json.dumps([dict(each.body) for each in page.generations]))
        return
    for each in page.generations:
        made = f"{each.created_at:%Y-%m-%d %H:%M}" if each.created_at else ""
        click.echo(f"{each.id}  {each.state:9}  {each.progress:4.0%}  {made}  {_short(each.prompt)}")
    if page.has_more:
        place_ = f"--after {page.next}" if page.next else f"--offset {offset + limit}"
        click.echo(f"There are more: {place_} shows the next.", err=True)
    if not page.generations:
        click.echo("There are none.", err=True)


@command.command()
@_id
@server_options
@_json
@click.pass_context
def show(ctx: click.Context, id_: str, server: str | None, key: str | None, as_json: bool) -> None:
    """One generation as it is now, and what the engine made of the words."""
    with _client(ctx, server, key) as client:
        id_ = whole_id(client, id_)
        found, plan = client.get(id_), client.plan(id_)
    if as_json:
        click.echo(json.dumps({**found.body, "engine": found.engine, "plan": plan}))
        return
    facts = {name: value for name, value in asdict(found).items() if name != "body" and value is not None}
    for name, value in facts.items():
        click.echo(f"{name.replace('_', ' '):14}  {_printable(f'{value:.0%}' if name == 'progress' else str(value))}")
    for line in describe(json.dumps(plan)):
        click.echo(line)


@command.command()
@_id
@server_options
@_json
@click.pass_context
def watch(ctx: click.Context, id_: str, server: str | None, key: str | None, as_json: bool) -> None:
    """Follow one generation until it has ended. Exits with 1 where it failed; Ctrl-C leaves it going."""
    last = None
    try:
        with _client(ctx, server, key) as client, bars(live=not as_json) as live:
            id_ = whole_id(client, id_)
            with live.bar(id_) as report:
                for last in client.watch(id_):
                    report(standing(last), last.progress, last.preview_url)
                    if as_json:
                        shown = {"id": last.id, "state": last.state, "progress": last.progress, **_live(last)}
                        click.echo(json.dumps(shown))
    except KeyboardInterrupt:
        click.echo(f"{id_} goes on without being watched.", err=True)
        sys.exit(EXIT_INTERRUPTED)
    assert last is not None
    if last.state == "failed":
        raise click.ClickException(_printable(last.failure_reason or "The generation failed."))
    if not as_json:
        click.echo(f"{id_} is completed. Fetch it with: stillmotion generations download {id_}")


@command.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...", shell_complete=completion.unfinished_generations)
@server_options
@yes_option
@click.pass_context
def cancel(ctx: click.Context, ids: tuple[str, ...], server: str | None, key: str | None, yes: bool) -> None:
    """Stop generations that have not ended. Their records stay. One that has ended is refused."""

    def stop(client: Client, id_: str) -> str:
        found = client.get(id_)
        if found.has_ended:
            return f"{id_} is {found.state} already: `stillmotion generations delete` removes it."
        client.cancel(id_)
        click.echo(f"{id_} is cancelled.")
        return ""

    confirm(f"Stop {_count(ids)}?", yes=yes)
    _each(ctx, ids, server, key, stop)


@command.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...", shell_complete=completion.generations)
@server_options
@yes_option
@click.pass_context
def delete(ctx: click.Context, ids: tuple[str, ...], server: str | None, key: str | None, yes: bool) -> None:
    """Remove generations with their clips, whatever has become of them. There is no way back."""

    def remove(client: Client, id_: str) -> str:
        client.delete(id_)
        click.echo(f"{id_} is gone.")
        return ""

    confirm(f"Remove {_count(ids)} with all that was made? There is no way back.", yes=yes)
    _each(ctx, ids, server, key, remove)


@command.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...", shell_complete=completion.generations)
@click.option("--prompt", help="Another prompt.")
@click.option("--seed", type=click.IntRange(0), help="Another seed: another take.")
@click.option("--model", metavar="NAME", help="Another model.")
@server_options
@click.pass_context
def retry(
    ctx: click.Context,
    ids: tuple[str, ...],
    prompt: str | None,
    seed: int | None,
    model: str | None,
    server: str | None,
    key: str | None,
) -> None:
    """Make generations once more, with changes. Prints the ids of the new ones."""
    options: Options = {}
    if seed is not None:
        options["seed"] = seed
    if model is not None:
        options["model"] = model

    def again(client: Client, id_: str) -> str:
        click.echo(client.retry(id_, prompt=prompt, **options).id)
        return ""

    _each(ctx, ids, server, key, again)


@command.command()
@click.argument("id_", metavar="ID", shell_complete=completion.completed_generations)
@click.option("--days", type=click.FloatRange(1 / 1440, 365), default=7.0, show_default=True, help="For how long.")
@click.option("--list", "listing", is_flag=True, help="The links that there are, in place of a new one.")
@click.option("--revoke", metavar="LINK", help="Take the link of this id back.")
@server_options
@click.pass_context
def share(
    ctx: click.Context,
    id_: str,
    days: float,
    listing: bool,
    revoke: str | None,
    server: str | None,
    key: str | None,
) -> None:
    """Make a link under which anyone may watch a completed clip, until it expires or is taken back."""
    with _client(ctx, server, key) as client:
        id_ = whole_id(client, id_)
        if revoke is not None:
            client.unshare(id_, revoke)
            click.echo(f"{revoke} is taken back.")
            return
        for each in client.links(id_) if listing else [client.share(id_, timedelta(days=days))]:
            click.echo(f"{each.url}  until {each.expires_at:%Y-%m-%d %H:%M} UTC  {each.id}")


@command.command()
@click.argument("id_", metavar="ID", shell_complete=completion.completed_generations)
@click.option(
    "-o", "--out", type=click.Path(), help="A file, a folder, or - for standard output. Default: ID.mp4, or ID.jpg."
)
@click.option("--thumbnail", is_flag=True, help="The picture in place of the clip.")
@click.option("--overwrite", is_flag=True, help="Replace what is there already.")
@server_options
@click.pass_context
def download(
    ctx: click.Context,
    id_: str,
    out: str | None,
    thumbnail: bool,
    overwrite: bool,
    server: str | None,
    key: str | None,
) -> None:
    """Write a completed generation's clip to a file: whole, or not at all.

    A name that ends in a slash, is a folder or has no suffix is a folder's. What is there is not overwritten.
    """
    kind = THUMBNAIL if thumbnail else CLIP
    if_there = IfThere.REPLACE if overwrite else IfThere.REFUSE

    def placed(stem: str) -> Output:
        try:
            return place("." if out is None else out, kind, _NO_NAME.sub("-", stem) or kind.noun, if_there=if_there)
        except OutputRefused as error:
            raise click.UsageError(str(error)) from error

    if out is not None and not is_folder(out):
        placed(id_)  # No server is asked for a file that could not be written.
    with _client(ctx, server, key) as client, TemporaryDirectory(prefix="stillmotion-") as folder:
        id_ = whole_id(client, id_)
        output, found = placed(id_), client.get(id_)
        came = client.download(found, Path(folder, f"file{kind.suffixes[0]}"), thumbnail=thumbnail)
        size = came.stat().st_size
        put(came, output)
    said = f"{output}  {size / 1e6:.1f} MB  rendered by {found.engine}"
    click.echo(said, err=output.is_standard_output)


def _pairs(given: Sequence[str]) -> Mapping[str, str]:
    """Metadata of `NAME=VALUE` options. Raises `UsageError`."""
    if any("=" not in each for each in given):
        raise click.UsageError("--metadata takes NAME=VALUE.")
    return dict(each.split("=", 1) for each in given)


def _count(ids: Sequence[str]) -> str:
    return f"the generation {ids[0]}" if len(ids) == 1 else plural(len(ids), "generation")


def _client(ctx: click.Context, server: str | None, key: str | None) -> Client:
    return connect(load_settings(ctx, server=server, key=key))


def _each(ctx: click.Context, ids: Sequence[str], server: str | None, key: str | None, act: Any) -> None:
    """Act on each id; a refusal is printed, and the others still follow."""
    refused = False
    with _client(ctx, server, key) as client:
        for id_ in ids:
            try:
                trouble = act(client, whole_id(client, id_))
            except NotFound as error:
                trouble = f"{id_}: {error.sentence}."
            except NoSuchId as error:
                trouble = str(error)
            except ClientError as error:
                trouble = f"{id_}: {error}"
            if trouble:
                refused = True
                click.echo(f"stillmotion: {trouble}", err=True)
    if refused:
        sys.exit(EXIT_REFUSED)


def _short(prompt: str | None) -> str:
    text = _printable(prompt or "")
    return text if len(text) <= _SHOWN_PROMPT else text[: _SHOWN_PROMPT - 1] + "…"


def _printable(text: str) -> str:
    """Foreign text without control characters, safe for a terminal."""
    return "".join(each if each.isprintable() else "�" for each in text)


def _live(generation: Generation) -> dict[str, Any]:
    """Facts of an unfinished generation that it has at present."""
    facts = {
        "stage": generation.stage,
        "queue_position": generation.queue_position,
        "eta_seconds": generation.eta_seconds,
        "preview": generation.preview_url,
    }
    return {name: value for name, value in facts.items() if value is not None}
