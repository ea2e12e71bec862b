"""Sizes: limits for modules, functions and folders, in the tests as in the code."""

from collections.abc import Mapping

import pytest

from tests.architecture import exceptions, source_tree


def module_lines() -> dict[str, int]:
    return {source_tree.name(path): len(path.read_text("utf-8").splitlines()) for path in source_tree.modules()}


def function_lines() -> dict[str, int]:
    return {
        f"{source_tree.name(path)}::{function.name}": function.lines
        for path in source_tree.modules()
        for function in source_tree.functions(source_tree.parsed(path).body)
    }


def too_long(lengths: Mapping[str, int], limit: int, allowed: Mapping[str, tuple[int, str]]) -> list[str]:
    most = {name: allowed.get(name, (limit, ""))[0] for name in lengths}
    return [f"{name}: {length} lines, {most[name]} at most" for name, length in lengths.items() if length > most[name]]


def test_modules_are_short():
    assert too_long(module_lines(), exceptions.MODULE_LINES, exceptions.LONGER_MODULES) == []


def test_functions_are_short():
    assert too_long(function_lines(), exceptions.FUNCTION_LINES, exceptions.LONGER_FUNCTIONS) == []


@pytest.mark.parametrize(
    ("lengths", "limit", "allowed"),
    [
        (module_lines, exceptions.MODULE_LINES, exceptions.LONGER_MODULES),
        (function_lines, exceptions.FUNCTION_LINES, exceptions.LONGER_FUNCTIONS),
    ],
    ids=["modules", "functions"],
)
def test_every_exception_is_needed_and_says_why(lengths, limit, allowed):
    found = lengths()
    assert [name for name, (_, why) in allowed.items() if found.get(name, 0) <= limit or not why.strip()] == []
