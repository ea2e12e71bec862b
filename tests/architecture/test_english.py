"""English of docstrings: each begins with a noun or a verb, not with a clause in place of a noun."""

import ast
import re

import pytest

from tests.architecture import source_tree

TOPS = ("src", "tests", "tools", "bench", "examples", "dev.py")
CLAUSE = re.compile(r"\s*(How|What|When|Where|Which|Who|Whom|Whose|Why|Whether)((so)?ever)?(?![\w-])", re.IGNORECASE)
"""First word of a free relative or an indirect question, which hides the noun that a reader searches for."""


def docstrings(tree: ast.Module) -> list[ast.Constant]:
    """Docstrings of modules, classes and functions, and strings that document an assignment."""
    blocks = [block for node in ast.walk(tree) if isinstance(block := getattr(node, "body", None), list)]
    values = [each.value for block in blocks for each in block if isinstance(each, ast.Expr)]
    return [each for each in values if isinstance(each, ast.Constant) and isinstance(each.value, str)]


def in_clauses(tree: ast.Module) -> list[ast.Constant]:
    """Docstrings that begin with a clause."""
    return [each for each in docstrings(tree) if CLAUSE.match(str(each.value))]


def test_no_docstring_begins_with_a_clause():
    found = [
        f"{source_tree.name(path)}:{each.lineno}: {str(each.value).strip().splitlines()[0]}"
        for path in source_tree.modules(*TOPS)
        for each in in_clauses(source_tree.parsed(path))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("module", "count"),
    [
        ('"""What it is."""', 1),
        ('"""A part."""\nA = 1\n"""How many there are."""', 1),
        ('"""A part."""\nclass A:\n    """\n    Whose turn it is.\n    """\n    b = 1\n    """Why it is 1."""', 2),
        ('"""A part."""\nasync def a():\n    """Whoever calls."""', 1),
        ('r"""When, and no more."""', 1),
        ('"""How-to pages: what they show."""\nA = "What is no docstring."\n# Where it is.\n"""Whole."""', 0),
        ('""""""', 0),
    ],
)
def test_the_lint_finds_docstrings_and_nothing_else(module, count):
    assert len(in_clauses(ast.parse(module))) == count
