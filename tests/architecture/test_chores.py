"""dev.py: what it promises to someone who has just cloned the project."""

import ast
import subprocess
import sys

import pytest

import dev
from tests.architecture import source_tree

LISTING = """\
:env:.cert='/etc/ssl/place.pem'
:env:.disable-pip-version-check='1'
global.cert='/etc/ssl/other.pem'
global.extra-index-url='https://one.example/simple\\nhttps://two.example/simple'
global.index-url='https://mirror.example/simple'
install.index-url='https://mirror.example/for-installs'
wheel.index-url='https://mirror.example/for-wheels'
"""


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
    """It reads the whole file before the first line runs."""
    ast.parse((source_tree.ROOT / "dev.py").read_text("utf-8"), feature_version=(3, 7))


def test_pip_settings_are_read_in_pip_s_order():
    settings = dev.parse_pip_settings(LISTING)
    assert settings["cert"] == "/etc/ssl/place.pem"
    assert settings["index-url"] == "https://mirror.example/for-installs"


def test_pip_settings_are_told_to_uv():
    told = dev.uv_environment(dev.parse_pip_settings(LISTING), {})
    assert told == {
        "SSL_CERT_FILE": "/etc/ssl/place.pem",
        "UV_DEFAULT_INDEX": "https://mirror.example/for-installs",
        "UV_INDEX": "https://one.example/simple https://two.example/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_PYTHON_DOWNLOADS": "never",
    }


def test_what_the_environment_tells_uv_itself_goes_first():
    told = dev.uv_environment({"index-url": "https://mirror.example"}, {"UV_DEFAULT_INDEX": "https://mine.example"})
    assert "UV_DEFAULT_INDEX" not in told


def test_without_a_certificate_the_system_s_are_trusted():
    assert dev.uv_environment({}, {})["UV_SYSTEM_CERTS"] == "1"


def test_wheels_in_folders_that_are_not_there_are_passed_over(tmp_path):
    told = dev.uv_environment({"find-links": f"{tmp_path} {tmp_path}/missing file://{tmp_path}/gone"}, {})
    assert told["UV_FIND_LINKS"] == str(tmp_path)


@pytest.mark.parametrize(("said", "told"), [("true", "1"), ("1", "1"), ("false", None), ("", None)])
def test_a_place_without_an_index_stays_without(said, told):
    assert dev.uv_environment({"no-index": said}, {}).get("UV_NO_INDEX") == told


def test_pins_name_a_version_and_where_it_holds_and_nothing_else():
    pins = [line for line in dev.CONSTRAINTS.read_text("utf-8").splitlines() if not line.startswith("#")]
    assert pins
    assert [pin for pin in pins if "==" not in pin or "://" in pin or "@" in pin] == []
