"""Reading the package's source where importing it does not tell: calls and the text they are given."""

import ast
from collections.abc import Collection, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def modules() -> Iterator[tuple[Path, ast.Module]]:
    """Every module of the package with its syntax tree, in the order of their names."""
    for path in sorted((ROOT / "src" / "stillmotion").rglob("*.py")):
        yield path, ast.parse(path.read_text("utf-8"), filename=str(path))


def calls(tree: ast.AST, names: Collection[str]) -> Iterator[ast.Call]:
    """Every call of something with one of these names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called(node) in names:
            yield node


def called(call: ast.Call) -> str:
    """The last part of the name of what is called."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def text_of(node: ast.expr | None) -> str | None:
    """What a string literal says; an f-string's fields are shown as `…`. None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) or "…" for part in node.values)
    return None


def place(path: Path) -> str:
    """How the documentation speaks of a file."""
    return path.relative_to(ROOT).as_posix()
