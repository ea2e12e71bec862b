"""House rules of tests: they poll for a state, patch no constant, and use public names."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture import exceptions, source_tree

OURS = frozenset({"bench", "dev", "examples", "stillmotion", "tests", "tools"})
WAITING = "tests/waiting.py"

OF_EXTRAS = {
    "psycopg": ("psycopg", "stillmotion.adapters.store.postgresql", "tests.databases"),
    "opentelemetry": ("opentelemetry", "stillmotion.adapters.tracing", "tests.tracing.collector"),
    "mcp": ("mcp",),
    "onnxruntime": ("onnxruntime", "onnx"),
    "pillow_heif": ("pillow_heif",),
    "torch": ("torch", "diffusers", "transformers"),
}
"""Modules that import the library of an extra, by that library."""


def test_no_constant_of_ours_is_patched():
    """A number that a test has to change is a parameter: see `WorkerTiming`, `EdgeTiming`, `Deadlines`."""
    found = {source_tree.name(path): sorted(patched(path)) for path in source_tree.modules("tests")}
    assert {path: names for path, names in found.items() if names} == {}


def test_tests_seldom_sleep():
    """`tests/waiting.py` waits for a state. A `sleep` is left where a test is about the passing of time."""
    found = {source_tree.name(path): sleeps(path) for path in source_tree.modules("tests")}
    del found[WAITING]
    in_tests = {path: count for path, count in found.items() if count and is_test(Path(path))}
    in_fakes = {path: count for path, count in found.items() if count and not is_test(Path(path))}
    assert sum(in_tests.values()) <= exceptions.SLEEPS, in_tests
    assert in_fakes == exceptions.SLOW_FAKES


def test_tests_reach_into_nothing_private():
    """A test observes the code through public names."""
    found = {source_tree.name(path): sorted(private(path)) for path in source_tree.modules("tests")}
    assert {path: names for path, names in found.items() if names} == exceptions.PRIVATE_REACHES


def test_a_module_skips_where_the_library_of_an_extra_is_absent():
    """`dev.py versions bare` runs without extras, and a laptop too: a module says by `importorskip` what it needs."""
    found = {source_tree.name(path): sorted(of_extras(path)) for path in source_tree.modules("tests")}
    assert {path: names for path, names in found.items() if names and is_test(Path(path))} == {}


def test_what_the_rules_look_for_is_found(tmp_path):
    path = tmp_path / "test_it.py"
    path.write_text(
        "import asyncio, time\n"
        "from huggingface_hub import constants\n"
        "from stillmotion.application import work\n"
        "from stillmotion.worker import host as h\n"
        "monkeypatch.setattr('stillmotion.worker.host.POLL', 1)\n"
        "monkeypatch.setattr(h, '_FIRST_PAUSE', 1)\n"
        "monkeypatch.setattr(constants, 'ENDPOINT', 1)\n"
        "monkeypatch.setattr(h, 'function', 1)\n"
        "work.LEASE = 1\n"
        "time.sleep(1)\n"
        "asyncio.sleep(SOON)\n"
        "asyncio.sleep(0)\n"
        "store._rows, self._rows, store.__class__\n"
    )
    assert sorted(patched(path)) == ["LEASE", "_FIRST_PAUSE", "stillmotion.worker.host.POLL"]
    assert sleeps(path) == 2
    assert list(private(path)) == ["_rows"]
    path.write_text("import mcp\nfrom tests import databases\npytest.importorskip('onnx')\nimport onnx\n")
    assert list(of_extras(path)) == ["mcp", "psycopg"]


def is_test(path: Path) -> bool:
    """False for programs and servers that serve as fakes and may be slow."""
    return path.name.startswith("test_") or path.name == "conftest.py"


def patched(path: Path) -> Iterator[str]:
    """The constants of our modules that a test replaces."""
    tree = source_tree.parsed(path)
    modules = set(ours_in(tree))
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="setattr"), args=[ast.Constant(value=str(name)), *_]):
                if name.partition(".")[0] in OURS and is_constant(name.rpartition(".")[2]):
                    yield name
            case ast.Call(func=ast.Attribute(attr="setattr"), args=[ast.Name(id=owner), ast.Constant(value=name), *_]):
                if owner in modules and is_constant(name):
                    yield name
            case ast.Assign(targets=[ast.Attribute(value=ast.Name(id=owner), attr=name)]):
                if owner in modules and is_constant(name):
                    yield name


def ours_in(tree: ast.Module) -> Iterator[str]:
    """Names by which a module knows our modules, and names that it imports from them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in OURS:
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.asname or alias.name for alias in node.names if alias.name.partition(".")[0] in OURS)


def private(path: Path) -> Iterator[str]:
    """The private names of other objects that a test uses. Those of a base class belong to its subclasses too."""
    for node in ast.walk(source_tree.parsed(path)):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls" | "os" | "sys" | "torch")):
                pass
            case ast.Attribute(attr=name) if name.startswith("_") and not name.endswith("_") and name != "_replace":
                yield name


def is_constant(name: str) -> bool:
    """True for a name in capitals, as constants are written."""
    return name.isupper()


def sleeps(path: Path) -> int:
    """The number of sleeps in a module that are longer than a turn of the event loop."""
    calls = [node for node in ast.walk(source_tree.parsed(path)) if isinstance(node, ast.Call)]
    return sum(
        isinstance(each.func, ast.Attribute)
        and each.func.attr == "sleep"
        and not (isinstance(each.args[0], ast.Constant) and each.args[0].value == 0)
        for each in calls
    )


def of_extras(path: Path) -> Iterator[str]:
    """The extras' libraries that a module imports, directly or by one of our modules, before it skips without them."""
    skipped = set[str]()
    for node in source_tree.parsed(path).body:
        match node:
            case ast.Expr(value=call) | ast.Assign(value=call) if isinstance(call, ast.Call):
                if isinstance(call.func, ast.Attribute) and call.func.attr == "importorskip":
                    skipped.add(ast.literal_eval(call.args[0]).partition(".")[0])
            case ast.Import() | ast.ImportFrom():
                for library, modules in OF_EXTRAS.items():
                    if skipped.isdisjoint((library, *modules)) and imports(node, modules):
                        yield library


def imports(node: ast.Import | ast.ImportFrom, modules: tuple[str, ...]) -> bool:
    """True for an import of one of some modules, or of a module inside one."""
    names = [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        names = [f"{node.module}.{name}" for name in names]
    return any(f"{name}.".startswith(f"{module}.") for name in names for module in modules)
