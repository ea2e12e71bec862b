"""`stillmotion workers`, as run from a shell."""

import asyncio
from contextlib import closing
from datetime import UTC, datetime

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


def test_without_a_worker_the_list_says_how_to_have_one(shell):
    status, out, err = shell("workers", "list")
    assert (status, out) == (0, "")
    assert "stillmotion worker" in err
    assert shell.json("workers", "list") == []


def test_the_word_alone_lists_as_list_does(shell):
    assert shell("workers") == shell("workers", "list")
    assert shell.json("workers") == []


def test_a_lost_worker_is_told_with_its_last_sign_of_life_and_makes_nothing(shell, tmp_path):
    seen = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    lanes = (LaneReport("renderer 0", "parallax/1"),)
    report = ProcessReport(
        WorkerName("box:17-ab12", "box"), ProcessRole.WORKER, 17, "1.2.3", seen, seen, True, (), lanes
    )
    with closing(open_store(data_directory(tmp_path).database)) as store:
        asyncio.run(store.beat(report))
    line = "box:17-ab12                      lost, last heard of 2026-01-02 03:04:05 UTC\n"
    assert shell("workers")[1] == line


def test_workers_are_listed_with_their_lanes(shell, tmp_path):
    now = SystemClock().now()
    lanes = (LaneReport("renderer 0", "parallax/1"), LaneReport("renderer 1", ""))
    report = ProcessReport(
        WorkerName("box:17-ab12", "box"), ProcessRole.WORKER, 17, "1.2.3", now, now, True, ("parallax/1",), lanes
    )
    store = open_store(data_directory(tmp_path).database)
    asyncio.run(store.beat(report))
    store.close()
    _, out, _ = shell("workers", "list")
    assert "box:17-ab12" in out
    assert "ready, parallax/1" in out
    assert "free, holds parallax/1" in out
    (shown,) = shell.json("workers", "list")
    assert (shown["host"], shown["state"], len(shown["lanes"])) == ("box", "ready", 2)
