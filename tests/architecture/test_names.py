"""Names: a module is named after its contents, and a package's docstring gives its purpose."""

import ast
from collections import Counter, defaultdict

from tests.architecture import exceptions, source_tree

SAYS_NOTHING = frozenset({"base", "common", "data", "helper", "helpers", "info", "manager", "misc", "util", "utils"})
"""Forbidden as a whole name."""

ADDS_NOTHING = SAYS_NOTHING - {"base", "data", "info"}
"""Forbidden as a word of a longer name too: `data_directory` is clear, `url_utils` is not."""


def test_no_module_has_a_name_that_says_nothing():
    found = {
        path: {path.stem, *path.relative_to(source_tree.ROOT).parts} & SAYS_NOTHING
        or {*path.stem.split("_")} & ADDS_NOTHING
        for path in source_tree.modules()
    }
    assert [source_tree.name(path) for path, words in found.items() if words] == []


def test_every_folder_of_the_package_is_a_package():
    folders = {path.parent for path in source_tree.modules("src/stillmotion")}
    assert [source_tree.name(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


def test_every_module_of_the_package_says_what_it_is_for():
    package = source_tree.modules("src/stillmotion")
    silent = [path for path in package if not ast.get_docstring(source_tree.parsed(path))]
    assert [source_tree.name(path) for path in silent] == []


def test_no_folder_is_too_full_to_be_read_at_a_glance():
    modules = source_tree.modules("src/stillmotion")
    full = Counter(source_tree.name(path.parent) for path in modules if path.name != "__init__.py")
    assert [folder for folder, count in full.items() if count > exceptions.FOLDER_MODULES] == []


def test_a_class_has_a_name_of_its_own():
    places = defaultdict(set)
    for path in source_tree.modules("src/stillmotion"):
        for node in ast.walk(source_tree.parsed(path)):
            if isinstance(node, ast.ClassDef):
                places[node.name].add(source_tree.name(path))
    assert {name for name, where in places.items() if len(where) > 1} == set(exceptions.SHARED_CLASS_NAMES)
