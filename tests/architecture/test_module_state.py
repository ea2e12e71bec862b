"""Module state: no module changes after its import. State belongs to objects that `composition` makes."""

import ast

import pytest

from tests.architecture import source_tree

READ_ONLY = frozenset({"ClassVar", "Collection", "Final", "Iterable", "Mapping", "Sequence", "Set"})
"""Annotations that forbid changes to a type checker (`Set` is that of collections.abc)."""

MUTABLE = frozenset({"Counter", "OrderedDict", "bytearray", "defaultdict", "deque", "dict", "list", "set"})
"""Calls that make something mutable, under any name."""

MADE_ONCE = frozenset(
    {"NewType", "ParamSpec", "TypeVar", "TypeVarTuple", "argument", "getLogger", "get_logger", "namedtuple", "option"}
)
"""Calls whose result may have a lower-case name in a module: types, loggers, click's decorators."""

DISPLAYS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)


def mutable_state(tree: ast.Module) -> list[str]:
    """The names that a module binds to mutable values."""
    found = []
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        if not names or not isinstance(node, ast.Assign | ast.AnnAssign):
            continue
        if names[0].startswith("__") or _read_only(getattr(node, "annotation", None)):
            continue
        if isinstance(node.value, DISPLAYS) or _makes_state(node.value, names[0]):
            found += names
    return found


def _read_only(annotation: ast.expr | None) -> bool:
    outermost = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    return outermost is not None and _last_name(outermost) in READ_ONLY


def _makes_state(value: ast.expr | None, name: str) -> bool:
    """True for a call of a mutable type, or with a result in lower case, as a variable is named."""
    if not isinstance(value, ast.Call):
        return False
    made = _last_name(value.func)
    return made in MUTABLE or (name.lstrip("_")[:1].islower() and made not in MADE_ONCE)


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def test_no_module_of_the_package_holds_state():
    found = {source_tree.name(path): mutable_state(source_tree.parsed(path)) for path in source_tree.modules("src")}
    assert {path: names for path, names in found.items() if names} == {}


def test_no_function_of_the_package_rebinds_a_module():
    found = [
        f"{source_tree.name(path)}:{node.lineno}"
        for path in source_tree.modules("src")
        for node in ast.walk(source_tree.parsed(path))
        if isinstance(node, ast.Global)
    ]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "JOBS = {}",
        "seen = set()",
        "_QUEUE = deque()",
        "app = Starlette()",
        "LATEST: list[str] = []",
        "a = [x for x in y]",
    ],
)
def test_the_rule_sees_state(line):
    assert mutable_state(ast.parse(line))


@pytest.mark.parametrize(
    "line",
    [
        "STATUS: Mapping[str, int] = {}",
        "ORDER: Final = [1]",
        "ANNOUNCED = frozenset({1})",
        "_WORD = re.compile('a')",
        "T = TypeVar('T')",
        "log = structlog.get_logger()",
        "__all__ = ['a']",
        "SIDES = (1, 2)",
    ],
)
def test_the_rule_lets_constants_be(line):
    assert mutable_state(ast.parse(line)) == []
