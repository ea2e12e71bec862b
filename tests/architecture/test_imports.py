"""Imports: they point inward, and the inner layers stay pure."""

import subprocess
import sys

from tests.architecture import source_tree

LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def test_the_import_contracts_are_kept():
    """The contracts stand in pyproject.toml. Their report names the broken one and its importer."""
    command = [sys.executable, "-c", LINT_IMPORTS, "--no-logo"]
    ended = subprocess.run(command, cwd=source_tree.ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_domain_and_the_application_use_the_standard_library_only():
    """The contracts list forbidden modules. This test forbids all that they do not list."""
    found = {
        f"{source_tree.name(path)} imports {module}"
        for path in source_tree.modules("src/stillmotion/domain", "src/stillmotion/application")
        for module in source_tree.imports(path)
        if module.partition(".")[0] not in {*sys.stdlib_module_names, "stillmotion"}
    }
    assert found == set()


def test_nothing_replaces_parts_of_the_code_with_mocks():
    """A fake that passes the contract tests of its port is used instead."""
    found = {
        source_tree.name(path)
        for path in source_tree.modules()
        if {"mock", "unittest.mock", "pytest_mock"} & source_tree.imports(path)
    }
    assert found == set()
