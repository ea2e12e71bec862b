"""The house as its imports really are, and the rules for them."""

import ast
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import grimp

from tools.docs.markdown import code, literal, paragraph, table

_ROOT = Path(__file__).resolve().parents[2]
_PACKAGE = "stillmotion"
Arrow = tuple[str, str]


def imports() -> str:
    """A diagram of which room imports which, less the arrows that others imply, and the whole list beneath."""
    arrows = _arrows()
    drawn = [f"    {left} --> {right}" for left, right in sorted(_needed(arrows))]
    rooms = sorted({room for arrow in arrows for room in arrow})
    imported = {room: [literal(right) for left, right in arrows if left == room] for room in rooms}
    rows = [(literal(room), ", ".join(imported[room]) or "–") for room in rooms]
    return code("\n".join(["flowchart TD", *drawn]), "mermaid") + "\n" + table(("Room", "Imports"), rows)


def rooms() -> str:
    """A table of every package with the first sentence of its docstring."""
    top = _ROOT / "src" / _PACKAGE
    packages = sorted(path.parent for path in top.rglob("__init__.py") if path.parent != top)
    said = ((folder, ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8")))) for folder in packages)
    rows = [
        (literal(folder.relative_to(top).as_posix()), paragraph(text).partition(". ")[0].rstrip(".:") + ".")
        for folder, text in said
    ]
    return table(("Room", "Holds"), rows)


def layers() -> str:
    """The layers, outermost first, with the rooms that there are."""
    contract = next(each for each in _contracts() if each["type"] == "layers")
    named = (re.findall(r"\w+", layer) for layer in contract["layers"])
    there = ([room for room in rooms if _exists(room)] for rooms in named)
    return code("\n".join(" | ".join(rooms) for rooms in there if rooms))


def contracts() -> str:
    """The names of the import contracts."""
    return "\n".join(f"* {each['name']}." for each in _contracts()) + "\n"


def ports() -> str:
    """The ports of the application."""
    modules = sorted((_ROOT / "src/stillmotion/application/ports").glob("*.py"))
    nodes = [node for module in modules for node in ast.parse(module.read_text("utf-8")).body]
    found = [node for node in nodes if isinstance(node, ast.ClassDef) and _is_protocol(node)]
    return table(("Port", "The need"), [(literal(node.name), paragraph(ast.get_docstring(node))) for node in found])


def _exists(room: str) -> bool:
    return any((_ROOT / "src" / _PACKAGE / name).exists() for name in (room, f"{room}.py"))


def _is_protocol(node: ast.ClassDef) -> bool:
    return any(isinstance(each, ast.Name) and each.id == "Protocol" for each in node.bases)


def _contracts() -> list[dict[str, Any]]:
    listed = tomllib.loads((_ROOT / "pyproject.toml").read_text("utf-8"))
    found: list[dict[str, Any]] = listed["tool"]["importlinter"]["contracts"]
    return found


def _arrows() -> list[Arrow]:
    graph = grimp.build_graph(_PACKAGE, cache_dir=None)
    rooms = sorted(graph.find_children(_PACKAGE) - {f"{_PACKAGE}.__main__"})
    return [
        (left.rpartition(".")[2], right.rpartition(".")[2])
        for left in rooms
        for right in rooms
        if left != right and graph.direct_import_exists(importer=left, imported=right, as_packages=True)
    ]


def _needed(arrows: Iterable[Arrow]) -> set[Arrow]:
    """The arrows that no longer way round implies (there are no cycles: a contract sees to that)."""
    every = set(arrows)
    return {(left, right) for left, right in every if not _reaches(left, right, every - {(left, right)})}


def _reaches(start: str, end: str, arrows: set[Arrow]) -> bool:
    following = {right for left, right in arrows if left == start}
    return end in following or any(_reaches(room, end, arrows) for room in following)
