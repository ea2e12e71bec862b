"""`stillmotion status`, as run from a shell."""

import asyncio
import re
from contextlib import closing
from datetime import timedelta

import pytest

from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.directory.data_directory import data_directory
from stillmotion.adapters.store.sqlite import open_store
from stillmotion.domain.operators.processes import LaneReport, ProcessReport, ProcessRole
from stillmotion.domain.operators.queue_controls import WorkerName
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


def test_a_server_tells_how_long_it_runs_and_how_many_workers_there_are(shell, tmp_path):
    now = SystemClock().now()
    began = now - timedelta(days=1, seconds=61)
    report = ProcessReport(
        WorkerName("box:17-ab12", "box"),
        ProcessRole.SERVER,
        17,
        "1.2.3",
        began,
        now,
        True,
        (),
        (LaneReport("one", ""),),
    )
    with closing(open_store(data_directory(tmp_path).database)) as store:
        asyncio.run(store.beat(report))
    line = shell("status")[1].splitlines()[0]
    assert re.fullmatch(r"Stillmotion \S+, up for 1 day, 0:01:\d\d, workers: 1", line)


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
