"""The table of failures: its sentences stand nowhere else, and each entry is raised somewhere."""

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

from stillmotion.adapters.fetch.client import Trouble
from stillmotion.domain.failures import FailureKind, FetchFailure
from tests.architecture import source_tree

TABLE = source_tree.PACKAGE / "domain" / "failures.py"
TABLES = {"FailureKind": FailureKind, "FetchFailure": FetchFailure}
CARRIES_A_SENTENCE = frozenset({"GenerationFailed", "Failed", "Undecodable"})
"""The exception, and the messages that carry it over a pipe."""


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(source_tree.parsed(path)) if isinstance(node, ast.Call))


def elsewhere() -> list[Path]:
    return [path for path in source_tree.modules("src/stillmotion") if path != TABLE]


def entry_of(node: ast.expr) -> FailureKind | FetchFailure | None:
    """The entry that an expression like `FailureKind.IMAGE_GONE` names."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in TABLES:
        return TABLES[node.value.id][node.attr]
    return None


def fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


def is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def test_no_other_module_writes_a_failures_sentence():
    written = [
        f"{source_tree.name(path)}:{call.lineno}"
        for path in elsewhere()
        for call in calls(path)
        if isinstance(call.func, ast.Name) and call.func.id in CARRIES_A_SENTENCE
        if any(map(is_text, [*call.args, *(each.value for each in call.keywords)]))
    ]
    assert written == []


def test_every_sentence_is_given_the_values_that_it_has_fields_for():
    """A template without a value for each field would raise an error in place of the failure."""
    told = [
        (source_tree.name(path), call.lineno, fields(entry.sentence) - {"medium"}, {each.arg for each in call.keywords})
        for path in elsewhere()
        for call in calls(path)
        if isinstance(call.func, ast.Attribute) and call.func.attr == "error"
        if (entry := entry_of(call.func.value)) is not None
    ]
    assert len(told) > len(FailureKind) / 2
    assert [each for each in told if each[2] != each[3]] == []


def test_every_failure_is_raised_somewhere():
    named = {entry_of(node) for path in elsewhere() for node in ast.walk(source_tree.parsed(path))}
    of_connections = {FetchFailure[each.name] for each in Trouble}
    assert {*FailureKind, *FetchFailure} - named - of_connections == set()


def test_every_sentence_is_one():
    for each in (*FailureKind, *FetchFailure):
        assert each.sentence[0].isupper(), each
        assert each.sentence.endswith((".", "{why}")), each
