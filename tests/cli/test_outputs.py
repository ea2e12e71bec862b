"""Outputs of commands: they go to the named place, and never over an input or another file."""

import hashlib
import io
import os
import signal
import subprocess
import sys

import pytest
from click.testing import CliRunner

from stillmotion.cli.main import cli
from stillmotion.media.input.probe import probe
from tests.cli.conftest import COMMAND, SMALL
from tests.clients.contract_server import Answer
from tests.end_to_end.conftest import clean_environment
from tests.waiting import eventually


@pytest.fixture
def refused(terminal, monkeypatch):
    """Runner of a refused command in this process. It returns the error text, and checks that no file has changed."""
    monkeypatch.chdir(terminal.folder)

    def run_refused(words):
        before = digests(terminal)
        done = CliRunner().invoke(cli, words)
        assert done.exit_code == 2, done.output
        assert done.stdout == ""
        assert digests(terminal) == before
        return " ".join(done.stderr.split())

    return run_refused


def digests(terminal):
    return {each: hashlib.sha256((terminal.folder / each).read_bytes()).hexdigest() for each in terminal.files()}


@pytest.mark.parametrize(
    "words",
    [
        ["generate", "one.jpg", "push in", "-o", "one.jpg"],
        ["generate", "one.jpg", "push in", "-o", "soft.mp4", "--overwrite"],
        ["generate", "one.jpg", "push in", "-o", "hard.mp4", "--overwrite"],
        ["generate", "two.jpg", "push in", "-o", "hard.mp4", "--overwrite", "--end", "one.jpg"],
        ["generate", "two.jpg", "push in", "-o", "soft.mp4", "--overwrite", "--depth", "./one.jpg"],
        ["generate", "one.jpg", "two.jpg", "push in", "-o", "folder", "--overwrite"],
        ["generate", "one.jpg", "push in", "-o", "soft.mp4", "--overwrite", "--server", "http://127.0.0.1:9"],
        ["demo", "one.jpg", "push in", "-o", "one.jpg"],
        ["demo", "one.jpg", "push in", "-o", "soft.mp4", "--overwrite"],
        ["demo", "shot.thumbnail.jpg", "push in", "-o", "shot.mp4", "--overwrite"],
    ],
    ids=" ".join,
)
def test_no_picture_that_a_command_reads_is_written_over(terminal, refused, words):
    (terminal.folder / "soft.mp4").symlink_to("one.jpg")
    (terminal.folder / "hard.mp4").hardlink_to(terminal.folder / "one.jpg")
    (terminal.folder / "shot.thumbnail.jpg").write_bytes(b"mine")
    (terminal.folder / "folder").mkdir()
    (terminal.folder / "folder/two.mp4").symlink_to("../one.jpg")
    assert "and would be lost" in refused(words)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["generate", "one.jpg", "x", "-o", "mine.mp4"], "mine.mp4 is there already: --overwrite replaces it"),
        (["generate", "one.jpg", "x", "-o", "clip.gif"], "a clip is an MP4, so its name ends in .mp4"),
        (["generate", "one.jpg", "two.jpg", "x", "-o", "-"], "- is one file for 2 pictures: give a folder with -o."),
        (["generate", "one.jpg", "x", "-o", "one.jpg/x.mp4"], "one.jpg is a file, so that nothing can be written"),
        (["generate", "one.jpg", "x", "-o", ""], "an empty name is no place"),
        (["demo", "one.jpg", "x", "-o", "mine.mp4"], "mine.mp4 is there already: --overwrite replaces it"),
        (["demo", "one.jpg", "x", "-o", "shot.mp4"], "shot.thumbnail.jpg is there already: --overwrite replaces it"),
        (["generations", "download", "1", "-o", "mine.mp4"], "mine.mp4 is there already: --overwrite replaces it"),
        (["generations", "download", "1", "--thumbnail", "-o", "t.mp4"], "a thumbnail is a JPEG, so its name ends in"),
        (["backup", "mine.mp4"], "a backup is a tar, so its name ends in .tar"),
        (["backup", "mine.tar"], "mine.tar is there already: --overwrite replaces it, or give another FILE."),
        (["backup", "data/b.tar", "--data-dir", "data"], "lies in data, which is what is read"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_what_is_there_or_says_something_else_is_refused_before_anything_is_made(terminal, refused, words, sentence):
    for name in ("mine.mp4", "mine.tar", "shot.thumbnail.jpg"):
        (terminal.folder / name).write_bytes(b"mine")
    (terminal.folder / "data").mkdir()
    assert sentence in refused(words)


def run(terminal, *words, **how):
    return subprocess.run([*COMMAND, *words], cwd=terminal.folder, env=clean_environment(), check=False, **how)


@pytest.mark.parametrize("named", ["-", "/dev/stdout", "/dev/fd/1"])
def test_a_clip_goes_to_standard_output_and_what_is_said_of_it_does_not(terminal, named):
    done = run(terminal, "generate", "one.jpg", "orbit left", "-o", named, "--json", *SMALL, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert probe(io.BytesIO(done.stdout), whole=True).frame_count == 24
    assert b'"state": "completed"' in done.stderr
    assert terminal.files() == ["one.jpg", "two.jpg"]
    assert os.path.islink("/dev/stdout")  # noqa: PTH114 - it is asked of the name


def test_a_clip_is_not_shown_on_a_terminal(terminal):
    ours, theirs = os.openpty()
    done = run(terminal, "generate", "one.jpg", "orbit left", "-o", "-", stdout=theirs, stderr=subprocess.PIPE)
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 2
    assert "standard output is a terminal" in " ".join(done.stderr.decode().split())


def test_whoever_reads_a_clip_may_hang_up(terminal):
    words = [*COMMAND, "generate", "one.jpg", "orbit left", "-o", "-", *SMALL]
    process = subprocess.Popen(
        words, cwd=terminal.folder, env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with process:
        process.stdout.close()
        err = process.stderr.read().decode()
    assert process.returncode == 1
    assert "stillmotion: - cannot be written: Broken pipe. Whoever read it has hung up" in err


def test_a_clip_goes_into_a_folder_and_through_what_is_no_file(terminal):
    os.mkfifo(terminal.folder / "pipe")
    code, out, _ = terminal("generate", "one.jpg", "orbit left", "-o", "clips", *SMALL)
    assert (code, out.split("  ")[0]) == (0, "clips/one.mp4")
    with subprocess.Popen(["cat", "pipe"], cwd=terminal.folder, stdout=subprocess.PIPE) as reader:
        code, _, _ = terminal("generate", "one.jpg", "orbit left", "-o", "pipe", *SMALL)
        read = reader.communicate(timeout=20)[0]
    assert (code, probe(io.BytesIO(read), whole=True).frame_count) == (0, 24)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_is_ended_leaves_what_was_there_and_nothing_else(terminal, tmp_path, number):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    (terminal.folder / "out.mp4").write_bytes(b"mine")
    terminal.settings = {"TMPDIR": str(scratch)}
    words = ["generate", "one.jpg", "orbit left", "-o", "out.mp4", "--overwrite", "--resolution", "4k"]
    with terminal.start(*words) as process:
        eventually(lambda: any(scratch.rglob("video.mp4")), 90)
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 128 + number, err
    assert (terminal.folder / "out.mp4").read_bytes() == b"mine"
    assert terminal.files() == ["one.jpg", "out.mp4", "two.jpg"]
    assert list(scratch.iterdir()) == []


def test_a_hangup_that_is_ignored_stays_ignored(terminal):
    text = "import signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); sys.argv = ['stillmotion', '--version']\n"
    text += "from stillmotion.cli.main import main\ntry:\n    main()\nfinally:\n"
    text += "    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN"
    assert subprocess.run([sys.executable, "-c", text], check=False).returncode == 0


@pytest.mark.methods("generations download")
def test_what_a_server_has_is_downloaded_into_a_folder_and_to_standard_output(terminal, server):
    one = {"id": "1", "state": "completed", "model": "ray-2", "assets": {"video": f"{server.base}/v", "image": None}}
    server.on("GET", "/dream-machine/v1/generations/1", Answer(200, one))
    server.on("GET", "/v", Answer(200, b"a clip"))
    terminal.settings = {"STILLMOTION_SERVER": server.base, "STILLMOTION_KEY": "sm_key"}
    assert terminal("generations", "download", "1", "-o", "clips/")[0] == 0
    assert terminal.files("clips/*") == ["clips/1.mp4"]
    assert terminal("generations", "download", "1", "-o", "-")[1] == "a clip"
    (terminal.folder / "1.mp4").write_bytes(b"mine")
    assert terminal("generations", "download", "1")[0] == 2
    assert terminal("generations", "download", "1", "--overwrite")[0] == 0
    assert (terminal.folder / "1.mp4").read_bytes() == b"a clip"
