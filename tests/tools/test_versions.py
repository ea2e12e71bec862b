"""The range of tried versions: its ends are the promised ones."""

from pathlib import Path

from tools import versions

PROJECT = versions.pyproject()["project"]


def test_the_pythons_are_those_that_readers_are_told():
    oldest, newest = versions.promised()[0], versions.promised()[-1]
    assert PROJECT["requires-python"] == f">={oldest}"
    for page in ("README.md", "CONTRIBUTING.md"):
        assert f"Python {oldest} to {newest}" in (versions.ROOT / page).read_text("utf-8")


def test_the_newest_python_is_the_one_that_ci_brings():
    script = (versions.ROOT / ".ci" / "newest_python").read_text("utf-8")
    assert f"\nversion={versions.promised()[-1]}\n" in script


def test_all_extras_are_tried_but_the_one_with_torch():
    assert set(PROJECT["optional-dependencies"]) - set(versions.EXTRAS) == {"diffusers"}


def test_every_test_that_is_named_is_there():
    named = {*versions.TESTS, *(each for end in versions.ENDS.values() for each in end.left_out)}
    assert [each for each in sorted(named) if not (versions.ROOT / each).exists()] == []


def test_a_python_that_is_found_is_of_its_version():
    found = versions.pythons()
    assert found
    assert all(Path(python).name == f"python{version}" for version, python in found.items())
