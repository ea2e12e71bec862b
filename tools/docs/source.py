"""Reading the package's source where importing it does not tell: calls and the text they are given."""

import ast
from collections.abc import Collection, Iterator, Sequence
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


def spread(tree: ast.Module, arguments: Sequence[ast.expr]) -> Iterator[Sequence[ast.expr]]:
    """A call's arguments; for `*TABLE[key]` those of each entry that the module's table has."""
    first = arguments[0] if arguments else None
    if not (isinstance(first, ast.Starred) and isinstance(first.value, ast.Subscript)):
        yield arguments
        return
    name = getattr(first.value.value, "id", "")
    for node in tree.body:
        if (
            isinstance(node, ast.AnnAssign)
            and getattr(node.target, "id", "") == name
            and isinstance(node.value, ast.Dict)
        ):
            yield from (entry.elts for entry in node.value.values if isinstance(entry, ast.Tuple))


def text_of(node: ast.expr | None) -> str | None:
    """What a string literal says; an f-string's fields are shown as `…`. None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) or "…" for part in node.values)
    return None


def assigned(tree: ast.Module, node: ast.expr) -> ast.expr:
    """What a variable was last given above; anything else is itself."""
    if not isinstance(node, ast.Name):
        return node
    given = [
        each.value
        for each in ast.walk(tree)
        if isinstance(each, ast.Assign) and each.lineno < node.lineno and getattr(each.targets[0], "id", "") == node.id
    ]
    return max(given, key=lambda value: value.lineno, default=node)


def place(path: Path) -> str:
    """How the documentation speaks of a file."""
    return path.relative_to(ROOT).as_posix()
