"""`stillmotion status`, as run from a shell."""

import pytest

from tests.cli.test_administration import Shell


@pytest.fixture
def shell(tmp_path, capsys, monkeypatch):
    made = Shell(tmp_path, capsys, monkeypatch)
    made("keys", "create")
    return made


def test_the_status_says_how_the_service_is(shell):
    status, out, _ = shell("status")
    assert status == 0
    assert "No server is running." in out
    assert "0 waiting, 0 under way" in out
    assert "Last hour: 0 submitted, 0 done, 0 failed" in out
    shell("queue", "pause")
    assert "(paused)" in shell("status")[1]


def test_the_status_for_scripts_has_doctors_checks(shell):
    shown = shell.json("status")
    names = [each["name"] for each in shown["checks"]]
    assert {"sqlite", "data directory", "free space", "storage", "private files"} <= set(names)
    assert shown["ok"] is True


def test_a_problem_is_named_with_its_remedy_and_ends_with_1(shell, monkeypatch):
    monkeypatch.setenv("STILLMOTION_DEPTH_MODEL", "/nowhere/depth.onnx")
    status, out, _ = shell("status")
    assert status == 1
    assert "problem  depth: depth_model names /nowhere/depth.onnx, which is not a file" in out
