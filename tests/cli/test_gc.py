"""`stillmotion gc` over a data directory with something to collect."""

import os
import time

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
    assert "1 orphans (4 bytes) would be moved to quarantine/" in commands.run("gc", "--dry-run")
    assert commands.json("gc") == NOTHING | found | {"dry_run": False}
    assert not orphan.exists()
    [kept] = [path for path in (commands.directory / "objects" / "quarantine").rglob("*") if path.is_file()]
    assert kept.read_bytes() == b"clip"
    assert commands.json("gc") == NOTHING | {"dry_run": False}
