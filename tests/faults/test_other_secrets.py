"""Data directories with mixed contents or open permissions: the start reports them."""

import os
import shutil
import stat
import subprocess
from types import SimpleNamespace

import pytest

from tests import forked
from tests.end_to_end.conftest import Running, clean_environment, small_picture
from tests.faults.test_startup import doctor, examined, serve
from tests.waiting import eventually

SHORT = {"prompt": "push in", "url": small_picture(), "resolution": "540p", "duration": 1}


@pytest.fixture
def used(tmp_path):
    """The directory of a server that accepted submits and has ended."""
    running = Running(tmp_path / "data", {"STILLMOTION_RENDERERS": "0"})
    running.key = running.new_key()["key"]
    running.start()
    running.accepted = running.submit(SHORT).body["id"]
    running.stop()
    return running


def command(*words, directory):
    code, _, err = forked.ended([*words, "--data-dir", str(directory)], clean_environment())
    return SimpleNamespace(returncode=code, stderr=err)


def test_a_copy_without_its_secret_is_refused_until_the_secret_is_there(used, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(used.directory, copy)
    (copy / "secret").unlink()
    refused = serve(copy)
    assert refused.returncode == 1
    assert f"{copy}/secret is missing, though {copy}/stillmotion.db was used with it" in refused.stderr
    assert "copy it from where the database came from" in refused.stderr
    assert not (copy / "secret").exists()
    for words in (["keys", "create"], ["worker"], ["backup", str(tmp_path / "b.tar")]):
        refused = command(*words, directory=copy)
        assert (refused.returncode, "secret is missing" in refused.stderr) == (1, True), words
    assert "secret is missing" in examined(copy)["database"].said
    (copy / "secret").write_bytes(os.urandom(32))
    refused = serve(copy)
    assert refused.returncode == 1
    said = f"{copy}/secret, or the setting secret in its place, is not the secret that {copy}/stillmotion.db was used"
    assert said in refused.stderr
    assert "is not the secret" in examined(copy)["database"].said
    shutil.copy(used.directory / "secret", copy / "secret")
    moved = Running(copy, used.settings, key=used.key).start()
    assert moved.status(used.accepted).status == 200
    moved.stop()


def test_a_backup_holds_the_secret_and_one_with_another_is_none(used, tmp_path):
    file, restored = tmp_path / "b.tar", tmp_path / "restored"
    assert command("backup", str(file), directory=used.directory).returncode == 0
    assert command("restore", str(file), directory=restored).returncode == 0
    assert (restored / "secret").read_bytes() == (used.directory / "secret").read_bytes()
    again = Running(restored, used.settings, key=used.key).start()
    assert again.status(used.accepted).status == 200
    again.stop()
    (used.directory / "secret").write_bytes(os.urandom(32))
    refused = command("backup", str(tmp_path / "c.tar"), directory=used.directory)
    assert (refused.returncode, "is not the secret" in refused.stderr) == (1, True)
    assert not (tmp_path / "c.tar").exists()


def test_a_directory_without_its_clips_is_refused_with_the_way_out(used):
    shutil.rmtree(used.directory / "objects")
    refused = serve(used.directory)
    assert refused.returncode == 1
    assert f"{used.directory}/objects is missing" in refused.stderr
    assert "make an empty folder of that name" in refused.stderr
    assert not (used.directory / "objects").exists()
    assert "objects is missing" in examined(used.directory)["data directory"].said
    (used.directory / "objects").mkdir()
    used.start()
    assert used.status(used.accepted).status == 200
    used.stop()


def test_nobody_else_can_read_what_a_server_keeps_in_a_folder_that_is_open_to_all(tmp_path):
    """The service manager has a careless umask, and an earlier version left files open."""
    directory = tmp_path / "data"
    directory.mkdir()
    directory.chmod(0o755)
    running = Running(directory, {})
    running.key = running.new_key()["key"]
    for name in ("stillmotion.db", "secret"):
        (directory / name).chmod(0o644)
    assert {"stillmotion.db", "secret"} <= set(doctor(directory)["private files"]["said"].replace(",", " ").split())
    with running.log.open("a") as log:
        running.process = subprocess.Popen(
            running.command(), stdout=subprocess.PIPE, stderr=log, text=True, env=clean_environment(), umask=0
        )
    running.base = running.process.stdout.readline().split()[2]
    done = running.wait_for(running.submit(SHORT).body["id"], "completed", "failed")
    assert done["state"] == "completed"
    # The last render's folder goes once its generation is completed.
    eventually(lambda: not any((directory / "scratch").iterdir()))
    below = [path for path in directory.rglob("*") if path.exists()]
    open_ = {
        str(path.relative_to(directory)): oct(path.stat().st_mode) for path in below if path.stat().st_mode & 0o077
    }
    assert {"stillmotion.db", "stillmotion.db-wal", "stillmotion.db-shm"} <= {path.name for path in below}
    assert any(path.suffix == ".mp4" for path in below)
    assert open_ == {}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o755, "the operator's own folder stays as it was made"
    assert not examined(directory)["private files"].is_problem
    running.stop()
