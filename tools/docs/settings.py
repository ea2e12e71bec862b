"""The reference of settings."""

import os
from pathlib import Path
from typing import Any, Final, get_args, get_origin, get_type_hints

from platformdirs.macos import MacOS
from platformdirs.unix import Unix

from stillmotion.config import Origin, Settings, load
from tools.docs.markdown import literal, table

_PLACE: Final = "XDG_DATA_HOME"


def settings() -> str:
    """Every setting with its variable, kind and default."""
    kinds = get_type_hints(Settings)
    _, origins = load({})
    head = ("In the file", "In the environment", "Kind", "Default", "What it does")
    return table(head, [_row(each, kinds[each.name]) for each in origins])


def _row(each: Origin, kind: Any) -> tuple[str, ...]:
    default = _default_places() if each.name == "data_dir" else literal(each.value) or "(empty)"
    return literal(each.name), literal(each.variable), _kind(kind), default, each.doc


def _default_places() -> str:
    """The data directory that is taken where none is set, on each system that we are tried on.

    The page is the same for everybody, wherever its writer keeps data.
    """
    writers = os.environ.pop(_PLACE, None)
    try:
        linux, macos = (kind("stillmotion", appauthor=False).user_data_dir for kind in (Unix, MacOS))
    finally:
        os.environ.update({} if writers is None else {_PLACE: writers})
    home = str(Path.home())
    return f"{literal(linux.replace(home, '~', 1))}; on macOS {literal(macos.replace(home, '~', 1))}"


def _kind(kind: Any) -> str:
    """A setting's type in words."""
    names = {Path: "path", str: "text", int: "whole number", float: "number", bool: "true or false"}
    if get_origin(kind) is tuple:
        return "list of " + ("text" if get_args(kind)[0] is str else f"{names[get_args(kind)[0]]}s")
    return names.get(kind) or "table of names"
