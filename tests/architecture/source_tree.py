"""The project's files as the house rules see them. It works without git, which a bare machine lacks."""

import ast
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "stillmotion"
NOT_OURS = frozenset({"build", "dist", "node_modules", "out", "__pycache__", "docs_page"})
"""Folders that .gitignore names, besides those that begin with a dot, and the vendored files of the reference page."""
OURS_WITH_A_DOT = frozenset({".ci", ".github"})


@dataclass(frozen=True)
class Function:
    """A function or method, by its dotted name inside its module, with its length."""

    name: str
    lines: int


def files(*tops: str) -> list[Path]:
    """Every file of the project under these folders, or everywhere."""
    return sorted(path for top in tops or (".",) for path in _walk(ROOT / top))


def modules(*tops: str) -> list[Path]:
    """Every Python file of the project under these folders, or everywhere."""
    return [path for path in files(*tops) if path.suffix == ".py"]


def name(path: Path) -> str:
    """The path of a file from the root, as the rules name it."""
    return path.relative_to(ROOT).as_posix()


def parsed(path: Path) -> ast.Module:
    """A module's syntax tree."""
    return ast.parse(path.read_text("utf-8"), filename=str(path))


def functions(body: Sequence[ast.stmt], prefix: str = "") -> Iterator[Function]:
    """Every function of a module, inner ones too. The length is from `def` to the last line, with the docstring."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield Function(prefix + node.name, (node.end_lineno or node.lineno) - node.lineno + 1)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from functions(node.body, f"{prefix}{node.name}.")


def imports(path: Path) -> set[str]:
    """The dotted names of the modules that a module imports, at any depth."""
    nodes = list(ast.walk(parsed(path)))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}


def _walk(top: Path) -> Iterator[Path]:
    if top.is_file():
        yield top
    for folder, folders, names in os.walk(top):
        folders[:] = [own for own in folders if own not in NOT_OURS and (own[0] != "." or own in OURS_WITH_A_DOT)]
        # In a worktree `.git` is a file, which holds a path of the machine.
        ours = (Path(folder, own) for own in names if own != ".git")
        yield from (path.resolve() for path in ours if not path.is_symlink())
