"""Users without a name or home, locales without letters, and disks that cannot hold SQLite's WAL."""

import json
import os
import platform
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from stillmotion.cli.sample_picture import draw_sample
from tests.end_to_end.conftest import COMMAND, clean_environment

NOBODY = ("unshare", "--user", "--map-user=12345", "--map-group=12345", "env", "-i")
"""A user id without a passwd entry, and an empty environment, as in OpenShift."""


ROOT = Path(__file__).resolve().parents[2]


@cache
def cannot_be_nobody():
    try:
        done = subprocess.run(
            [*NOBODY, sys.executable, "-c", "import os; print(os.getuid())"], capture_output=True, check=False
        )
    except OSError:
        return True
    return done.stdout != b"12345\n"


def ended(command, folder, code=0, environment=None):
    """The output of a command, which must end with that exit code."""
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.skipif(cannot_be_nobody(), reason="this system lets nobody be another user")
class TestNobody:
    """Any user id, without HOME."""

    @pytest.fixture
    def run(self, tmp_path):
        """Runner of commands, one after another in one process."""

        def running(*commands):
            words = [*NOBODY, f"PYTHONPATH={ROOT}", sys.executable, "-m", "tests.faults.many_commands"]
            return json.loads(ended([*words, json.dumps(commands)], tmp_path))

        return running

    def test_every_command_works_where_the_directory_is_given(self, run, tmp_path):
        (tmp_path / "photo.jpg").write_bytes(draw_sample())
        own = ("--data-dir", str(tmp_path / "data"))
        ((code, said),) = run(["keys", "create", "--json", *own])
        key = json.loads(said.splitlines()[-1])
        *others, (sick, found) = run(
            ["keys", "list", *own],
            ["products", "list", *own],
            ["subscriptions", "show", key["subscription"], *own],
            ["callbacks", "list", "--subscription", key["subscription"], *own],
            ["gc", *own],
            ["backup", "b.tar", *own],
            ["restore", "b.tar", "--data-dir", str(tmp_path / "restored")],
            ["config"],
            ["models", "list"],
            ["generate", "photo.jpg", "push in", "-o", "clip.mp4", "--seconds", "1", "--resolution", "540p"],
            ["doctor", *own],
        )
        assert [each for each in others if each[0] or "Traceback" in each[1]] == []
        assert (code, "All is well" in found or (sick == 1 and "address" in found)) == (0, True)
        assert (tmp_path / "clip.mp4").stat().st_size > 1000

    def test_a_server_runs_where_the_directory_is_given(self, tmp_path):
        command = [*NOBODY, *COMMAND, "serve", "--port", "0", "--data-dir", str(tmp_path / "data")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
            said = server.stdout.readline()
            server.terminate()
            _, log = server.communicate(timeout=30)
        assert said.startswith("Listening on ")
        assert server.returncode == 0
        assert "Traceback" not in log

    def test_where_the_directory_is_needed_and_cannot_be_known_a_sentence_says_so(self, run, tmp_path):
        sentence = (
            "stillmotion: no place for the data directory is known, since this user has no home: give one with "
            "--data-dir or STILLMOTION_DATA_DIR\n"
        )
        commands = (["serve"], ["worker"], ["keys", "create"], ["keys", "list"], ["gc"], ["backup", "b.tar"])
        assert run(*commands) == [[1, sentence]] * len(commands)
        assert list(tmp_path.iterdir()) == []


ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0"}


def test_a_name_with_letters_works_in_a_locale_that_has_none(tmp_path):
    folder = tmp_path / "données"
    folder.mkdir()
    (folder / "été.jpg").write_bytes(draw_sample())
    here = clean_environment(**ASCII)
    own = ("--data-dir", str(folder / "dé"))
    ended([*COMMAND, "keys", "create", *own], folder, environment=here)
    assert (folder / "dé" / "stillmotion.db").exists()
    assert "é.tar" in ended([*COMMAND, "backup", "é.tar", *own], folder, environment=here)
    words = ["generate", "été.jpg", "push in", "-o", "clip é.mp4", "--seconds", "1", "--resolution", "540p"]
    ended([*COMMAND, *words], folder, environment=here)
    assert (folder / "clip é.mp4").exists()
    with subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", *own], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=here
    ) as server:
        said = server.stdout.readline().decode()
        server.terminate()
        server.communicate(timeout=30)
    assert said.startswith("Listening on ")
    assert "dé" in said


@pytest.mark.parametrize("words", [["serve", "--port", "0"], ["keys", "create"], ["gc"], ["worker"]], ids=" ".join)
def test_a_name_that_is_no_utf8_is_refused_in_a_sentence(tmp_path, words):
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/dat\xe9"))
    try:
        odd.mkdir()
    except OSError:
        pytest.skip("this file system takes no such name")
    said = ended(
        [*map(os.fsencode, (*COMMAND, *words, "--data-dir")), os.fsencode(odd)], tmp_path, 1, clean_environment()
    )
    assert "is no UTF-8: give a directory whose name is" in said
    assert list(odd.iterdir()) == []


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"), reason="there is no seccomp here"
)
@pytest.mark.parametrize("lacking", ["maps", "locks"])
def test_a_disk_that_is_none_for_the_log_is_told_as_what_it_is(tmp_path, lacking):
    share = [sys.executable, "-m", "tests.faults.network_share", lacking]
    commands = (["keys", "create"], ["serve", "--port", "0"], ["doctor"])
    each_with_its_own = [[*words, "--data-dir", str(tmp_path / words[0])] for words in commands]
    for code, said in json.loads(ended([*share, json.dumps(each_with_its_own)], ROOT, environment=clean_environment())):
        assert (code, "local disk" in said, "backup" in said, "Traceback" in said) == (1, True, False, False), said
