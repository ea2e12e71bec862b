"""What the reference says of the settings."""

from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from stillmotion.config import Origin, Settings, load
from tools.docs.markdown import literal, table


def settings() -> str:
    """Every setting with its variable, kind and default."""
    kinds = get_type_hints(Settings)
    _, origins = load({})
    head = ("In the file", "In the environment", "Kind", "Default", "What it does")
    return table(head, [_row(each, kinds[each.name]) for each in origins])


def _row(each: Origin, kind: Any) -> tuple[str, ...]:
    default = each.value.replace(str(Path.home()), "~", 1)
    return literal(each.name), literal(each.variable), _kind(kind), literal(default) or "(empty)", each.doc


def _kind(kind: Any) -> str:
    """A setting's type in words."""
    names = {Path: "path", str: "text", int: "whole number", float: "number", bool: "true or false"}
    if get_origin(kind) is tuple:
        return "list of " + ("text" if get_args(kind)[0] is str else f"{names[get_args(kind)[0]]}s")
    return names.get(kind) or "table of names"
