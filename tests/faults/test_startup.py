"""Start over an unusable directory: a refusal with its remedy, and the same from `stillmotion doctor`."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from stillmotion.composition.doctor.examination import checks, examine
from stillmotion.config import load
from tests import forked
from tests.end_to_end.conftest import COMMAND, Running, clean_environment, small_picture

SHORT = {"prompt": "push in", "url": small_picture(), "resolution": "540p", "duration": 1}


def serve(directory, **environment):
    """The ended process of a server that does not start."""
    words = ["serve", "--port", "0", "--data-dir", str(directory)]
    code, _, err = forked.ended(words, clean_environment(**environment), timeout=30)
    assert "Traceback" not in err, err
    return SimpleNamespace(returncode=code, stderr=err)


def doctor(directory, *words, **environment):
    words = ("doctor", "--json", "--data-dir", str(directory), *words)
    code, out, err = forked.ended(words, clean_environment(**environment))
    assert "Traceback" not in err, err
    report = json.loads(out)
    assert report["ok"] == (code == 0)
    return {each["name"]: each for each in report["checks"]}


def examined(directory, **environment):
    """The findings of the doctor's checks that need no render, which is most of what its command takes."""
    settings, _ = load({"STILLMOTION_DATA_DIR": str(directory), **environment})
    found = {each.name: each for each in examine(settings, checks(settings))}
    assert [each for each in found if each != "keys"] == [name for name, _ in checks(settings)]
    return found


def test_the_doctor_takes_no_folder_of_somebody_elses_for_ours(tmp_path):
    theirs = tmp_path / "scratch" / "notes.txt"
    theirs.parent.mkdir(mode=0o755)
    theirs.write_text("dear to somebody")
    found = examined(tmp_path)
    assert "choose an empty directory" in found["data directory"].said
    assert not found["private files"].is_problem


@pytest.fixture
def used(tmp_path):
    """The directory of a killed server that had accepted submits, with its log not checkpointed."""
    running = Running(tmp_path / "data", {"STILLMOTION_RENDERERS": "0"})
    running.key = running.new_key()["key"]
    running.start()
    running.accepted = [running.submit(SHORT).body["id"] for _ in range(3)]
    running.kill()
    yield running
    if running.process.poll() is None:
        running.stop()


def database(directory):
    return directory / "stillmotion.db"


def fold(directory):
    """Checkpoint the log into the database, as an orderly end does."""
    connection = sqlite3.connect(database(directory))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def zero_the_head(path):
    with path.open("r+b") as file:
        file.write(bytes(100))


def flip_a_page(path):
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 4096 // 2 * 4096)
        file.write(os.urandom(4096))


@pytest.mark.parametrize("damage", [zero_the_head, flip_a_page], ids=["head", "page"])
def test_a_damaged_database_is_refused_and_left_as_it_is(used, damage):
    fold(used.directory)
    damage(database(used.directory))
    before = database(used.directory).read_bytes()
    refused = serve(used.directory)
    assert refused.returncode == 1
    assert f"{database(used.directory)} is damaged" in refused.stderr
    assert "restore it from a backup" in refused.stderr
    assert database(used.directory).read_bytes() == before
    found = examined(used.directory)
    assert "backup" in found["database"].remedy
    assert not found["storage"].is_problem, "the other checks go on"


@pytest.mark.parametrize("size", [None, 0], ids=["missing", "empty"])
def test_a_database_that_is_gone_is_not_replaced_by_an_empty_one(used, size):
    for path in used.directory.glob("stillmotion.db*"):
        path.unlink()
    if size == 0:
        database(used.directory).touch()
    refused = serve(used.directory)
    assert refused.returncode == 1
    assert "is missing or empty, though this directory has been in use: restore it from a backup" in refused.stderr
    assert "is missing or empty" in examined(used.directory)["data directory"].said
    keys = subprocess.run(
        [*COMMAND, "keys", "list", "--data-dir", str(used.directory)],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert keys.returncode == 1


def test_what_the_log_shares_memory_by_is_made_anew(used):
    used.directory.joinpath("stillmotion.db-shm").unlink(missing_ok=True)
    used.start()
    assert [used.status(each).status for each in used.accepted] == [200, 200, 200]


def test_a_log_that_was_cut_off_loses_no_more_than_its_torn_end(used):
    """A power failure tears the last page of the log. Everything before it counts."""
    log = used.directory / "stillmotion.db-wal"
    kept = log.read_bytes()
    for cut in (len(kept) - 1, len(kept) - 2000, len(kept) - 4096 - 24, len(kept) // 2, 33):
        copy = used.directory.parent / f"cut{cut}"
        shutil.copytree(used.directory, copy)
        (copy / "stillmotion.db-wal").write_bytes(kept[:cut])
        (copy / "stillmotion.db-shm").unlink(missing_ok=True)
        connection = sqlite3.connect(database(copy))
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
        found = examined(copy)["database"]
        assert not found.is_problem, found


def test_a_newer_database_is_left_alone(used):
    connection = sqlite3.connect(database(used.directory))
    connection.executescript("PRAGMA user_version = 9999; UPDATE meta SET oldest_code = 9998")
    connection.close()
    refused = serve(used.directory)
    assert refused.returncode == 1
    assert "Upgrade Stillmotion" in refused.stderr
    assert "Upgrade Stillmotion" in examined(used.directory)["database"].remedy


def test_another_programs_database_is_left_alone(tmp_path):
    connection = sqlite3.connect(tmp_path / "stillmotion.db")
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    assert "another program's database" in serve(tmp_path).stderr
    assert "another program's" in examined(tmp_path)["database"].said


def test_a_place_that_cannot_be_a_directory_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    refused = serve(tmp_path / "file" / "data")
    assert refused.returncode == 1
    assert "cannot be made a data directory" in refused.stderr


def test_a_lost_secret_is_told_as_what_it_is(used):
    (used.directory / "secret").write_bytes(b"short")
    assert "secret holds 5 bytes rather than 32: copy it from where the database came" in serve(used.directory).stderr
    assert "keys new-secret" in examined(used.directory)["database"].said


def test_faults_that_cannot_be_read_are_refused(tmp_path):
    refused = serve(tmp_path, STILLMOTION_FAULTS="submit.sometime=kill9")
    assert refused.returncode == 1
    assert "'submit.sometime=kill9' is no fault" in refused.stderr
    refused = serve(tmp_path, STILLMOTION_FAULTS="submit.before_insert=exec_then_raise")
    assert "nothing has been carried out" in refused.stderr


def test_the_doctor_finds_nothing_wrong_beside_a_server_that_runs(running):
    port = running.base.rpartition(":")[2]
    found = doctor(running.directory, STILLMOTION_PORT=port)
    assert [name for name, each in found.items() if not each["ok"]] == []
    assert f"held by process {running.process.pid}" in found["data directory"]["said"]
    assert "in use by our own server" in found["address"]["said"]
    accepted = running.submit(SHORT)
    assert running.wait_for(accepted.body["id"], "completed", "failed")["state"] == "completed"
    # The server deletes folders meanwhile, which `os.walk` tolerates.
    left = [name for _, _, names in os.walk(running.directory) for name in names if name.startswith("doctor-")]
    assert left == []


def test_the_doctor_finds_nothing_wrong_before_the_first_start(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    found = doctor(tmp_path / "data", STILLMOTION_PORT=str(port))
    assert [name for name, each in found.items() if not each["ok"]] == []
    assert not (tmp_path / "data").exists()


def test_the_doctor_says_what_to_do_about_settings_and_ports(tmp_path):
    assert "STILLMOTION_PORT" in doctor(tmp_path, STILLMOTION_PORT="many")["settings"]["said"]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        found = doctor(tmp_path, STILLMOTION_PORT=str(taken.getsockname()[1]))
    assert "cannot be listened on" in found["address"]["said"]
    assert "STILLMOTION_STORAGE" in doctor(tmp_path, STILLMOTION_STORAGE="ftp://x")["settings"]["said"]


@pytest.mark.parametrize("ends", ["closed pipes", "closed streams", "a full disk"])
def test_nobody_has_to_read_what_it_says(used, ends):
    """Standard output and the log cannot be written, and the service goes on."""
    if ends != "a full disk":
        out, log = os.pipe(), os.pipe()
    elif Path("/dev/full").exists():
        out, log = [(os.open("/dev/null", os.O_RDONLY), os.open("/dev/full", os.O_WRONLY)) for _ in range(2)]
    else:
        pytest.skip("this system has no /dev/full")
    port = socket.create_server(("127.0.0.1", 0))
    number = port.getsockname()[1]
    port.close()
    used.process = subprocess.Popen(
        [
            *(("sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh") if ends == "closed streams" else ()),
            *(*COMMAND, "serve", "--port", str(number), "--data-dir", str(used.directory)),
        ],
        stdout=out[1],
        stderr=log[1],
        env=clean_environment(),
    )
    for descriptor in (*out, *log):
        os.close(descriptor)
    used.base = f"http://127.0.0.1:{number}"
    for _ in range(200):
        try:
            if used.call("GET", "/readyz").status == 200:
                break
        except OSError:
            pass
        with pytest.raises(subprocess.TimeoutExpired):
            used.process.wait(0.1)
    assert used.wait_for(used.accepted[0], "completed", "failed")["state"] == "completed"
    used.process.terminate()
    assert used.process.wait(30) == 0


def test_it_starts_in_a_bare_environment_and_keeps_its_files_to_itself(used):
    """The environment has no HOME, PATH or locale, and the umask gives every permission to others."""
    used.process = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", "--data-dir", str(used.directory)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={"LC_ALL": "C", "TZ": "Asia/Kolkata"},
        umask=0,
    )
    used.base = used.process.stdout.readline().split()[2]
    assert used.wait_for(used.accepted[0], "completed", "failed")["state"] == "completed"
    used.process.terminate()
    assert used.process.wait(30) == 0
    used.process.stdout.close()
    assert used.directory.stat().st_mode & 0o077 == 0, "nobody else can look into it"
    assert (used.directory / "secret").stat().st_mode & 0o077 == 0
