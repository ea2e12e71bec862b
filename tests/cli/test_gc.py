"""`stillmotion gc` over a data directory with something to collect."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

NOTHING = {"expired": 0, "removals": 0, "orphans": 0, "orphan_bytes": 0, "discarded": 0, "unfinished": 0}


def test_an_orphan_is_reported_first_and_then_set_aside(commands):
    commands.run("keys", "create")
    orphan = commands.directory / "objects" / "generations" / "gone" / "clip.mp4"
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"clip")
    two_hours_ago = time.time() - 7200
    os.utime(orphan, (two_hours_ago, two_hours_ago))
    found = {"orphans": 1, "orphan_bytes": 4}
    assert commands.json("gc", "--dry-run") == NOTHING | found | {"dry_run": True}
    assert orphan.exists()
    assert "1 orphan (4 bytes) would be moved to quarantine/" in commands.run("gc", "--dry-run")
    assert commands.json("gc") == NOTHING | found | {"dry_run": False}
    assert not orphan.exists()
    [kept] = [path for path in (commands.directory / "objects" / "quarantine").rglob("*") if path.is_file()]
    assert kept.read_bytes() == b"clip"
    assert commands.json("gc") == NOTHING | {"dry_run": False}
    assert commands.noted.count("gc") == 2, "a look is no action"


@pytest.mark.parametrize("runs", [8, pytest.param(48, marks=pytest.mark.slow)])
def test_a_command_that_looked_at_the_storage_ends_well_on_a_busy_machine(commands, runs):
    """Threads of the storage's library still release Python objects when the command ends."""
    commands.run("keys", "create")
    with ThreadPoolExecutor(8) as at_once:
        said = list(at_once.map(lambda _: commands.run("gc", "--dry-run"), range(runs)))
    assert all("0 orphans" in each for each in said)
