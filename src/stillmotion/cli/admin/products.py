"""`stillmotion products`: the surfaces, models and limits of subscriptions."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec

from stillmotion.application.administration import Administration
from stillmotion.cli import completion
from stillmotion.cli.admin.options import at_work, data_dir_option, json_option, print_fields, print_json
from stillmotion.cli.main import Overview
from stillmotion.composition.installation import Missing
from stillmotion.domain.errors import InvalidRequest, Problem
from stillmotion.domain.plurals import plural
from stillmotion.domain.subscriptions import Product
from stillmotion.http.resources.product_info import ProductInfo
from stillmotion.http.surfaces.admin import translate, wire

ALL, NONE = "all", "none"


class _Names(click.ParamType[list[str] | None]):
    """Parameter type: `a,b`, or `all`, which includes later ones too."""

    name = f"a,b|{ALL}"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> list[str] | None:
        names = [name.strip() for name in value.split(",") if name.strip()]
        if not names:
            self.fail(f"give names with commas between them, or {ALL}", param, ctx)
        return None if names == [ALL] else names


class _Limit(click.ParamType[float | None]):
    """Parameter type: a number, or `none`."""

    def __init__(self, kind: type[int | float]) -> None:
        self.kind = kind
        self.name = f"{'whole number' if kind is int else 'number'}|{NONE}"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> float | None:
        if value == NONE:
            return None
        try:
            return self.kind(value)
        except ValueError:
            self.fail(f"{value!r} is not a {self.name.replace('|', ' or ')}", param, ctx)


_OPTIONS = (
    click.option("--surfaces", type=_Names(), shell_complete=completion.surfaces, help="Dialects of the API."),
    click.option("--models", type=_Names(), shell_complete=completion.several_wire_names, help="Wire models."),
    click.option(
        "--resolutions",
        type=_Names(),
        shell_complete=completion.resolutions,
        help="540p, 720p, 1080p, 4k.",
    ),
    click.option("--max-seconds", type=_Limit(float), help="The longest clip."),
    click.option("--submits-per-minute", type=int, help="Submits a minute."),
    click.option("--reads-per-minute", type=int, help="Polls and other reads a minute, of each server process."),
    click.option("--concurrent-generations", type=int, help="Unfinished generations at once."),
    click.option("--video-seconds-per-month", type=_Limit(int), help="The quota of a calendar month in UTC."),
    click.option("--price-per-second", type=float, help="In a unit of your own."),
    click.option("--retention-days", type=_Limit(int), help="How long finished generations are kept."),
)


def _terms(command: Callable[..., None]) -> Callable[..., None]:
    """Decorator: the options that make a product's terms."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def _given(ctx: click.Context, options: dict[str, Any]) -> dict[str, Any]:
    """Terms given on the command line: `all` and `none` become None, options left out are absent."""
    source = click.core.ParameterSource.DEFAULT
    named = {name: value for name, value in options.items() if ctx.get_parameter_source(name) is not source}
    try:
        return translate.to_terms(msgspec.convert(named, wire.ProductTerms))
    except msgspec.ValidationError as error:
        name = str(error).rpartition("$.")[2].strip("`").partition("[")[0]
        raise click.BadParameter(_remedy(name), param_hint=f"--{name.replace('_', '-')}") from None


def _remedy(name: str) -> str:
    (field,) = (each for each in msgspec.structs.fields(wire.ProductTerms) if each.name == name)
    return str(field.type.__metadata__[0].description).partition(", or null")[0]


@contextmanager
def _in_our_words() -> Iterator[None]:
    """Translate errors: null of the JSON is `none` on the command line."""
    try:
        yield
    except InvalidRequest as error:
        raise InvalidRequest(
            *(Problem(each.field, each.message.replace(", or null", f", or {NONE}")) for each in error.problems)
        ) from error


def _show(product: Product, as_json: bool) -> None:
    shown = translate.product(product)
    print_json(shown) if as_json else print_fields(shown, absent="not limited")


@click.group("products", cls=Overview)
def command() -> None:
    """Create, list, show and change products: which surfaces and models a subscription has, its limits and price.

    Works before the server runs, and while it does.
    """


@command.command()
@click.argument("name")
@_terms
@data_dir_option
@json_option
@click.pass_context
def create(ctx: click.Context, /, name: str, data_dir: Path | None, as_json: bool, **options: Any) -> None:
    """A new product. What is left out is not limited, or has the usual limit."""
    with _in_our_words():
        terms = _given(ctx, options)
        made = at_work(ctx, data_dir, lambda office: office.products.create(name, terms), Missing.MAKE)
    _show(made, as_json)


@command.command("list")
@data_dir_option
@json_option
@click.pass_context
def list_(ctx: click.Context, data_dir: Path | None, as_json: bool) -> None:
    """Every product."""

    async def read(office: Administration) -> list[ProductInfo]:
        return [translate.product(each) for each in await office.products.list()]

    products = at_work(ctx, data_dir, read)
    if as_json:
        print_json(products)
        return
    for each in products:
        quota = "no quota" if each.video_seconds_per_month is None else f"{each.video_seconds_per_month} s a month"
        pace = plural(each.submits_per_minute, "submit a minute", "submits a minute")
        click.echo(f"{each.name:20} {pace}, {each.concurrent_generations} at once, {quota}")
    if not products:
        click.echo("No products yet. Make one with: stillmotion products create NAME", err=True)


@command.command()
@click.argument("name", shell_complete=completion.products)
@data_dir_option
@json_option
@click.pass_context
def show(ctx: click.Context, name: str, data_dir: Path | None, as_json: bool) -> None:
    """The product NAME with all that it includes."""
    _show(at_work(ctx, data_dir, lambda office: office.products.get(name)), as_json)


@command.command()
@click.argument("name", shell_complete=completion.products)
@_terms
@data_dir_option
@json_option
@click.pass_context
def update(ctx: click.Context, /, name: str, data_dir: Path | None, as_json: bool, **options: Any) -> None:
    """Change the product NAME, for its subscriptions too; a running server follows within a second or so."""
    with _in_our_words():
        terms = _given(ctx, options)
        changed = at_work(ctx, data_dir, lambda office: office.products.update(name, terms))
    _show(changed, as_json)
