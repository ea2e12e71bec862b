"""A module is named after what it holds, a package says what it is for."""

import ast

from tests.architecture import source_tree

SAYS_NOTHING = frozenset({"base", "common", "data", "helper", "helpers", "info", "manager", "misc", "util", "utils"})


def test_no_module_has_a_name_that_says_nothing():
    named = {
        path: {*path.with_suffix("").name.split("_"), *path.relative_to(source_tree.ROOT).parts[:-1]}
        for path in source_tree.modules()
    }
    assert [source_tree.name(path) for path, words in named.items() if words & SAYS_NOTHING] == []


def test_every_folder_of_the_package_is_a_package():
    folders = {path.parent for path in source_tree.modules("src/stillmotion")}
    assert [source_tree.name(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


def test_every_module_of_the_package_says_what_it_is_for():
    package = source_tree.modules("src/stillmotion")
    silent = [path for path in package if not ast.get_docstring(source_tree.parsed(path))]
    assert [source_tree.name(path) for path in silent] == []
