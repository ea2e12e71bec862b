"""The table of ten changes in docs/explanation/architecture.md: each row leads to a definition that exists."""

import ast
import re

import pytest

from tests.architecture import source_tree

PAGE = source_tree.ROOT / "docs/explanation/architecture.md"
CHANGES = (
    "a camera move",
    "a status",
    "a setting",
    "a codec",
    "a metric",
    "a surface's field",
    "a failure",
    "a store column",
    "an engine",
    "a command",
)


def rows() -> dict[str, list[str]]:
    """The cells behind each change: room, file, definition, example, further places."""
    section = PAGE.read_text("utf-8").partition("\n## Where a change goes\n")[2].partition("\n## ")[0]
    lines = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in section.splitlines()]
    return {cells[0].strip("| "): cells[1:] for cells in lines if len(cells) == 6}


def definitions(module: ast.Module) -> dict[str, ast.stmt]:
    """A module's classes, functions and constants by name."""
    found: dict[str, ast.stmt] = {}
    for node in module.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = node
        elif isinstance(node, ast.Assign):
            found |= {target.id: node for target in node.targets if isinstance(target, ast.Name)}
    return found


def names_in(node: ast.AST) -> set[str]:
    """Names and texts of a definition, without docstrings."""
    found = set()
    for each in ast.walk(node):
        found |= {getattr(each, field) for field in ("id", "attr", "name") if hasattr(each, field)}
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            found |= {each.value, *re.findall(r"\w+", each.value)} if "\n" not in each.value else set()
    return found


def test_the_ten_changes_are_listed():
    assert set(CHANGES) <= rows().keys()


@pytest.mark.parametrize("change", CHANGES)
def test_the_change_has_its_room_and_an_example_of_it(change):
    room, file, definition, example, _ = (cell.strip("`") for cell in rows()[change])
    path = source_tree.PACKAGE / ("" if room == "–" else room) / file
    found = definitions(source_tree.parsed(path))
    assert definition in found
    assert example in names_in(found[definition])


@pytest.mark.parametrize("change", CHANGES)
def test_the_further_places_are_there(change):
    room, _, _, _, then = (cell.strip("`") for cell in rows()[change])
    named = re.findall(r"`([a-z_/]+(?:\.py|/))`", then)
    tops = (source_tree.PACKAGE / room, source_tree.PACKAGE)
    assert [each for each in named if not any(list(top.rglob(each.rstrip("/"))) for top in tops)] == []
