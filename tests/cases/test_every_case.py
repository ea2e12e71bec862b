"""Completeness of the collections: every case has an existing test, or stands on the list of untried ones."""

import ast
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest

from tests.cases.tried import CASE_BY_CASE, DECIDED, FAULTS, GROUPS, NOT_TRIED, SSRF, TRIED

ROOT = Path(__file__).parents[2]


def named(case):
    return case.get("id") or case["file"]


IDS = {
    **{group: [named(case) for case in listed] for group, listed in GROUPS.items()},
    "ssrf": [named(case) for case in SSRF["cases"]],
    "faults": [named(case) for case in FAULTS],
}


def parameters(node):
    """The names of the cases that are parameters of a test."""
    place, _, function = node.partition("::")
    module = import_module(place.removesuffix(".py").replace("/", "."))
    marks = [mark for mark in getattr(module, function).pytestmark if mark.name == "parametrize"]
    return {_name(value) for value in marks[-1].args[1]}


def _name(value):
    case = value.values[0] if hasattr(value, "values") and not isinstance(value, dict) else value
    return named(case) if isinstance(case, dict) else case[0]


def test_the_collections_are_as_large_as_they_were():
    assert Counter({group: len(ids) for group, ids in IDS.items()}) == {
        "json": 32,
        "prompt": 16,
        "auth": 15,
        "ratelimit": 6,
        "tasks": 11,
        "assets": 22,
        "console": 12,
        "webhook_receiver_faults": 10,
        "webhook_signature": 7,
        "http_wire": 16,
        "logs": 4,
        "images": 40,
        "ssrf": 127,
        "faults": 59,
    }
    assert len({name for ids in IDS.values() for name in ids}) == 377


@pytest.mark.parametrize("group", IDS)
def test_no_case_of_a_group_is_passed_over(group):
    one_by_one = set().union(*(parameters(node) for node in CASE_BY_CASE.get(group, ())))
    others = TRIED.keys() | DECIDED.keys() | NOT_TRIED.keys()
    assert set(IDS[group]) - others - one_by_one == set()


def test_no_list_names_a_case_that_is_not_there_or_is_on_two_lists():
    listed = Counter([*TRIED, *DECIDED, *NOT_TRIED])
    assert set(listed) <= {name for ids in IDS.values() for name in ids}
    assert [name for name, times in listed.items() if times > 1] == []


def test_every_test_that_is_named_is_there():
    nodes = {*TRIED.values(), *(node for _, node in DECIDED.values()), *(n for ns in CASE_BY_CASE.values() for n in ns)}
    assert sorted(node for node in nodes if node.partition("::")[2] not in _functions(node.partition("::")[0])) == []


def _functions(place):
    path = ROOT / place
    if not path.is_file():
        return set()
    tree = ast.parse(path.read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
