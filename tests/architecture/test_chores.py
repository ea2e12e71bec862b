"""dev.py: its promises to someone who has just cloned the project."""

import ast
import shutil
import subprocess
import sys
import venv
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import dev
from tests.architecture import source_tree


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(source_tree.ROOT / "dev.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_help_names_every_chore():
    answer = run("--help")
    assert answer.returncode == 0
    assert [name for name in dev.CHORES if f"\n  {name} " not in answer.stdout] == []
    assert run().stdout == answer.stdout


def test_a_mistyped_chore_is_answered_with_the_nearest():
    answer = run("tets")
    assert (answer.returncode, answer.stderr) == (2, "dev.py: No chore is called 'tets': did you mean `test`?\n")


def test_an_argument_that_a_chore_does_not_take_is_refused():
    answer = run("check", "--fast")
    assert answer.returncode == 2
    assert "`dev.py check` does not take '--fast'" in answer.stderr


def test_it_needs_the_standard_library_only():
    names = {module.partition(".")[0] for module in source_tree.imports(source_tree.ROOT / "dev.py")}
    assert names - sys.stdlib_module_names == set()


def test_an_old_python_gets_as_far_as_the_sentence_that_refuses_it():
    """Python compiles the whole file before the first line runs, so the syntax must be old."""
    ast.parse((source_tree.ROOT / "dev.py").read_text("utf-8"), feature_version=(3, 7))


def cloned(folder: Path) -> ModuleType:
    """The module `dev.py` of another clone, whose environment has a Python."""
    for name in ("dev.py", "pyproject.toml", "constraints.txt"):
        shutil.copy(source_tree.ROOT / name, folder)
    spec = spec_from_file_location("dev_of_another_clone", folder / "dev.py")
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # Its dataclasses look up the module there.
    spec.loader.exec_module(module)
    module.PYTHON.parent.mkdir(parents=True)
    module.PYTHON.touch()
    return module


def test_an_environment_of_another_place_or_python_is_not_taken_for_ours(tmp_path):
    clone = cloned(tmp_path)
    assert not clone.is_current("runtime")
    clone.stamp("runtime")
    assert clone.is_current("runtime")
    assert not clone.is_current("development")
    clone.STAMP.write_text(clone.STAMP.read_text().replace(str(tmp_path), "elsewhere"))
    assert not clone.is_current("runtime")


def test_another_dependency_makes_an_environment_stale_and_another_setting_of_a_tool_does_not(tmp_path):
    text = (source_tree.ROOT / "pyproject.toml").read_text("utf-8")
    clone = cloned(tmp_path)
    before = clone.fingerprint()
    (tmp_path / "pyproject.toml").write_text(text.replace("line-length = 120", "line-length = 100"))
    assert clone.fingerprint() == before
    (tmp_path / "pyproject.toml").write_text(text.replace('"click>=', '"click>8.'))
    assert clone.fingerprint() != before


def test_without_pip_and_uv_it_says_what_to_install(tmp_path):
    """The python3 of Debian has neither."""
    shutil.copy(source_tree.ROOT / "dev.py", tmp_path)
    shutil.copy(source_tree.ROOT / "pyproject.toml", tmp_path)
    shutil.copy(source_tree.ROOT / "constraints.txt", tmp_path)
    bare = tmp_path / "bare"
    venv.create(bare, symlinks=True)
    ended = subprocess.run(
        [bare / "bin" / "python", tmp_path / "dev.py", "fmt"],
        env={"PATH": str(bare / "bin")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "dev.py: pip is missing: install it" in ended.stderr


def test_pins_name_a_version_and_where_it_holds_and_nothing_else():
    pins = [line for line in dev.CONSTRAINTS.read_text("utf-8").splitlines() if not line.startswith("#")]
    assert pins
    assert [pin for pin in pins if "==" not in pin or "://" in pin or "@" in pin] == []
