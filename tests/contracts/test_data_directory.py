"""The data directory: one server at a time, and one secret for good."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from stillmotion.adapters.directory.data_directory import (
    SECRET_BYTES,
    DataDirectoryInUse,
    DataDirectoryUnusable,
    open_data_directory,
    used_data_directory,
)

HOLD = """
import sys
from pathlib import Path
from stillmotion.adapters.directory.data_directory import open_data_directory
directory = open_data_directory(Path(sys.argv[1]))
lock = directory.lock()
print("held", flush=True)
sys.stdin.read()
"""
WORK = """
import sys
from pathlib import Path
from stillmotion.adapters.directory.data_directory import open_data_directory
with open_data_directory(Path(sys.argv[1])).join() as place:
    place.scratch.mkdir()
    print(place.scratch, flush=True)
    sys.stdin.read()
"""
TELL = """
import sys
from pathlib import Path
from stillmotion.adapters.directory.data_directory import open_data_directory
directory = open_data_directory(Path(sys.argv[1]))
directory.make_secret()
print(directory.secret().hex())
"""


def start(program, root):
    return subprocess.Popen(
        [sys.executable, "-c", program, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_directory_is_this_users_alone(tmp_path):
    directory = open_data_directory(tmp_path / "far" / "away")
    directory.make_secret()
    assert mode(directory.root) == 0o700
    assert mode(directory.root / "secret") == 0o600
    assert all(path.is_dir() for path in (directory.objects, directory.scratch))
    assert directory.database.parent == directory.root


def test_one_server_at_a_time(tmp_path):
    directory = open_data_directory(tmp_path)
    with directory.lock(), pytest.raises(DataDirectoryInUse) as refused:
        directory.lock()
    assert str(tmp_path) in str(refused.value)
    assert str(os.getpid()) in str(refused.value)
    assert "choose another data directory" in str(refused.value)
    directory.lock().release()


def test_a_server_that_is_killed_leaves_the_directory_free(tmp_path):
    with start(HOLD, tmp_path) as server:
        assert server.stdout.readline() == "held\n"
        with pytest.raises(DataDirectoryInUse, match=str(server.pid)):
            open_data_directory(tmp_path).lock()
        server.kill()
        server.wait()
    open_data_directory(tmp_path).lock().release()


def test_a_lock_may_be_released_twice(tmp_path):
    lock = open_data_directory(tmp_path).lock()
    lock.release()
    lock.release()


def test_whoever_takes_the_directory_finds_scratch_empty(tmp_path):
    directory = open_data_directory(tmp_path)
    (directory.scratch / "0199-render").mkdir()
    (directory.scratch / "0199-render" / "half.mp4").write_bytes(b"half")
    with directory.lock():
        assert list(directory.scratch.iterdir()) == []


@pytest.mark.parametrize("name", ["scratch/notes.txt", "fetched/x/y", "objects/scene.obj", "lock"])
def test_files_of_something_else_are_never_taken_for_ours(tmp_path, name):
    """Somebody names their home or a project: a start empties `scratch`, and a sweep `fetched`."""
    theirs = tmp_path / name
    theirs.parent.mkdir(parents=True, exist_ok=True)
    theirs.write_text("dear to somebody")
    with pytest.raises(DataDirectoryUnusable, match="choose an empty directory"):
        open_data_directory(tmp_path)
    assert theirs.read_text() == "dear to somebody"


def test_folders_that_no_worker_made_stay(tmp_path):
    directory = open_data_directory(tmp_path, alone=False)
    theirs = directory.workers.folder / "mine"
    theirs.mkdir(parents=True)
    with directory.join():
        pass
    assert theirs.is_dir()


def test_the_secret_stays_the_same(tmp_path):
    directory, other = open_data_directory(tmp_path), open_data_directory(tmp_path / "other")
    for each in (directory, other, directory):
        each.make_secret()
    secret = directory.secret()
    assert len(secret) == SECRET_BYTES
    assert open_data_directory(tmp_path).secret() == secret
    assert secret != other.secret()
    assert directory.fingerprint() == open_data_directory(tmp_path).fingerprint() != other.fingerprint()
    assert secret not in directory.fingerprint()


def test_processes_that_race_for_a_new_directory_agree_on_its_secret(tmp_path):
    """`keys create` runs beside `serve`, both for the first time."""
    programs = [start(TELL, tmp_path / "new") for _ in range(5)]
    told = {program.communicate(timeout=30)[0] for program in programs}
    assert told == {open_data_directory(tmp_path / "new").secret().hex() + "\n"}
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["objects", "scratch", "secret"]


@pytest.mark.parametrize("content", [b"", b"short", bytes(31), bytes(33), b"0" * 64])
def test_a_secret_that_is_none_is_refused_with_the_remedy(tmp_path, content):
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(DataDirectoryUnusable, match=rf"secret holds {len(content)} bytes.*backup.*keys new-secret"):
        open_data_directory(tmp_path).secret()


def test_a_secret_that_cannot_be_read_is_refused_with_the_remedy(tmp_path):
    (tmp_path / "secret").mkdir()
    with pytest.raises(DataDirectoryUnusable, match=r"secret cannot be read .*must be a file"):
        open_data_directory(tmp_path).secret()


def test_a_missing_secret_is_made_only_when_it_may_be(tmp_path):
    directory = open_data_directory(tmp_path)
    with pytest.raises(DataDirectoryUnusable, match=r"secret is missing"):
        directory.fingerprint()
    assert not directory.has_secret
    assert directory.fingerprint(may_make=True) == directory.fingerprint()


def test_a_directory_that_is_not_there_is_made_only_by_who_may(tmp_path):
    for root in (tmp_path / "mistyped", tmp_path):
        with pytest.raises(DataDirectoryUnusable, match=rf"{root} (is not there|holds no .*): give the server's data"):
            used_data_directory(root)
    assert list(tmp_path.iterdir()) == []


def test_clips_that_are_gone_are_not_replaced_by_an_empty_folder(tmp_path):
    directory = open_data_directory(tmp_path)
    directory.database.write_bytes(b"something")
    directory.objects.rmdir()
    for _ in range(2):
        with pytest.raises(DataDirectoryUnusable, match=r"objects is missing, though .*make an empty folder"):
            open_data_directory(tmp_path).refuse_lost_objects()
    directory.objects.mkdir()
    directory.refuse_lost_objects()


def test_what_others_could_read_is_found(tmp_path):
    directory = open_data_directory(tmp_path)
    directory.make_secret()
    with directory.lock():
        assert directory.open_to_others() == []
        for path, loose in ((directory.root / "secret", 0o640), (directory.objects, 0o755)):
            path.chmod(loose)
        assert directory.open_to_others() == [directory.root / "secret", directory.objects]
        directory.keep_private()
        assert directory.open_to_others() == [directory.objects], "a folder stays as the operator made it"


def test_a_file_in_the_way_is_refused_with_the_remedy(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataDirectoryUnusable, match="choose another"):
        open_data_directory(tmp_path / "file" / "data")


def test_workers_join_beside_a_server_and_each_other(tmp_path):
    directory = open_data_directory(tmp_path)
    assert not directory.workers.any_taken
    with directory.lock(), directory.join() as one, directory.join() as two:
        assert directory.workers.any_taken
        assert one != two
        assert directory.scratch not in (one.scratch, two.scratch)
    assert not directory.workers.any_taken
    assert list((tmp_path / "workers").iterdir()) == []


def test_what_a_killed_worker_left_is_removed_by_the_next(tmp_path):
    directory = open_data_directory(tmp_path)
    killed = start(WORK, tmp_path)
    left = Path(killed.stdout.readline().strip())
    (left / "half.mp4").write_bytes(b"half")
    with directory.join():
        assert left.exists()
    killed.kill()
    killed.wait()
    assert not directory.workers.any_taken
    with directory.join():
        assert not left.exists()


async def test_a_worker_counts_when_it_says_that_it_is_able_and_for_as_long_as_it_lives(tmp_path):
    directory = open_data_directory(tmp_path)
    with directory.join() as place:
        assert not any(await directory.workers.able())
        for able in (True, True, False, False, True):
            place.tell(able=able)
            assert any(await directory.workers.able()) is able
    killed = start(WORK, tmp_path)
    left = Path(killed.stdout.readline().strip()).parent
    (left / "able").touch()
    assert any(await directory.workers.able())
    killed.kill()
    killed.communicate()
    assert not any(await directory.workers.able())
