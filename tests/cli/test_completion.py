"""Shell completion as the how-to installs it: in a real Bash on a terminal, and by the protocol of Zsh and Fish."""

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.shell_completion import BashComplete

from stillmotion.cli.main import cli
from tests.cli.conftest import COMMAND
from tests.clients.contract_server import Answer
from tests.docs.markdown_pages import ROOT, blocks
from tests.end_to_end.conftest import clean_environment

PATIENCE = 60
DONE = [{"id": "0193-a", "state": "completed", "model": "ray-2"}, {"id": "0193-b", "state": "queued", "model": "ray-2"}]


@pytest.fixture
def completed(monkeypatch):
    """Completions of the last word, as kinds and values."""

    def ask(*words, **settings):
        for name in [name for name in os.environ if name.startswith("STILLMOTION_")]:
            monkeypatch.delenv(name)
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        asked = BashComplete(cli, {}, "stillmotion", "_STILLMOTION_COMPLETE")
        return [(each.type, each.value) for each in asked.get_completions(list(words[:-1]), words[-1])]

    return ask


@pytest.mark.parametrize(
    "words",
    [
        ["generate"],
        ["generate", "photo.jpg"],
        ["generate", "photo.jpg", "push in", "--end"],
        ["generate", "photo.jpg", "push in", "--depth"],
        ["generate", "photo.jpg", "push in", "-o"],
        ["demo"],
        ["demo", "-o"],
        ["backup"],
        ["restore"],
        ["generations", "download", "1", "-o"],
        ["--config"],
        ["models", "check", "--catalogue"],
    ],
    ids=" ".join,
)
def test_files_complete_wherever_a_file_is_meant(completed, words):
    assert completed(*words, "pho") == [("file", "pho")]


def test_folders_complete_for_a_data_directory_and_for_clips(completed):
    assert completed("serve", "--data-dir", "d")[0][0] in ("file", "dir")
    assert completed("mcp", "--folder", "d") == [("dir", "d")]


@pytest.mark.parametrize(
    ("shell", "current", "answered"),
    [("bash", "3", "file,pho"), ("zsh", "3", "file\npho\n_"), ("fish", "pho", "file,pho")],
)
def test_every_shell_is_told_of_files_in_its_own_way(shell, current, answered):
    environment = clean_environment(COMP_WORDS="stillmotion generate one.jpg pho", COMP_CWORD=current)
    environment["_STILLMOTION_COMPLETE"] = f"{shell}_complete"
    text = "import sys; sys.argv[0] = 'stillmotion'; from stillmotion.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", text], env=environment, capture_output=True, text=True, check=False)
    assert (done.stderr, done.stdout.strip()) == ("", answered)


@pytest.fixture
def office(tmp_path):
    """A data directory with a product and a subscription: its settings, and the subscription's id."""
    settings = {"STILLMOTION_DATA_DIR": str(tmp_path / "data")}
    done = subprocess.run(
        [*COMMAND, "keys", "create"], env=clean_environment(**settings), capture_output=True, text=True, check=True
    )
    return settings, done.stdout.split()[1]


def test_products_and_subscriptions_of_the_data_directory_complete(completed, office):
    settings, subscription = office
    for words in (["products", "show"], ["products", "update"], ["subscriptions", "create", "--product"]):
        assert completed(*words, "d", **settings) == [("plain", "default")]
    for words in (["keys", "rotate"], ["subscriptions", "cancel"], ["callbacks", "list", "--subscription"]):
        assert completed(*words, "", **settings) == [("plain", subscription)]
    elsewhere = ["--data-dir", settings["STILLMOTION_DATA_DIR"]]
    assert completed("keys", "rotate", *elsewhere, "") == [("plain", subscription)]


def test_a_data_directory_is_not_made_for_being_asked_for_names(completed, tmp_path):
    assert completed("products", "show", "", STILLMOTION_DATA_DIR=str(tmp_path / "data")) == []
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_database_is_no_trouble_to_whoever_presses_a_key(completed, tmp_path):
    (tmp_path / "stillmotion.db").write_bytes(b"no database" * 1000)
    assert completed("products", "show", "", STILLMOTION_DATA_DIR=str(tmp_path)) == []


def test_models_complete_alone_and_in_a_list(completed):
    assert ("plain", "ray-2") in completed("generate", "--model", "ray")
    assert ("plain", "wan22-ti2v-5b") in completed("models", "pull", "wan22")
    assert ("plain", "wan22-ti2v-5b") not in completed("models", "pull", "wan22-ti2v-5b", "wan22")
    assert completed("products", "create", "x", "--resolutions", "540p,10") == [("plain", "540p,1080p")]
    assert completed("products", "create", "x", "--surfaces", "gat") == [("plain", "gateway")]
    assert ("plain", "ray-2,sora-2") in completed("products", "create", "x", "--models", "ray-2,so")


def test_generations_and_models_of_the_server_complete(completed, server):
    settings = {"STILLMOTION_SERVER": server.base, "STILLMOTION_KEY": "sm_key"}
    listed = Answer(200, {"generations": DONE, "has_more": False})
    server.on("GET", "/dream-machine/v1/generations?limit=100&offset=0", listed)
    server.on("GET", "/v1/models", Answer(200, {"object": "list", "data": [{"id": "ray-9"}]}))
    for command, ids in (("show", ["0193-a", "0193-b"]), ("download", ["0193-a"]), ("cancel", ["0193-b"])):
        assert [value for _, value in completed("generations", command, "0193", **settings)] == ids
    assert completed("generate", "--model", "ray", **settings) == [("plain", "ray-9")]


def test_no_server_and_no_key_are_no_trouble_to_whoever_presses_a_key(completed):
    gone = {"STILLMOTION_SERVER": "http://127.0.0.1:9", "STILLMOTION_KEY": "sm_key"}
    assert completed("generations", "show", "0", **gone) == []
    assert completed("generations", "show", "0", STILLMOTION_SERVER="http://127.0.0.1:9") == []


class Bash:
    """A Bash on a terminal, set up as the how-to says."""

    def __init__(self, folder):
        (script,) = (each for each in blocks(ROOT / "docs/howto/command-line.md", "sh") if "bash_source" in each)
        self._child, self._terminal = pty.fork()
        if self._child == 0:
            os.chdir(folder)
            path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
            environment = clean_environment(PATH=path, HOME=str(folder), PS1="$ ", TERM="dumb", INPUTRC="/dev/null")
            os.execvpe("bash", ["bash", "--norc", "-i"], environment)
        self.written = ""
        self.type(f"{script.strip()}\n. ~/.bashrc; echo rea''dy\n", "ready")

    def type(self, text, expected):
        """Type a text and wait for the expected output. Returns all output since."""
        self.written = ""
        os.write(self._terminal, text.encode())
        until = time.monotonic() + PATIENCE
        while expected not in self.written:
            assert time.monotonic() < until, self.written
            if select.select([self._terminal], [], [], 0.2)[0]:
                self.written += os.read(self._terminal, 65536).decode("utf-8", "replace")
        return self.written

    def close(self):
        os.write(self._terminal, b"\x03\nexit\n")
        os.waitpid(self._child, 0)
        os.close(self._terminal)


@pytest.fixture
def bash(terminal):
    (terminal.folder / "photograph of mine.jpg").write_bytes(b"photo")
    started = Bash(terminal.folder)
    yield started
    started.close()


def test_a_real_bash_completes_commands_options_files_and_names(bash):
    bash.type("stillmotion generati\t", "generations ")
    bash.type("\x15stillmotion generate pho\t", "photograph\\ of\\ mine.jpg")
    bash.type("\x15stillmotion generate one.jpg 'push in' --end tw\t", "two.jpg")
    bash.type("\x15stillmotion generate one.jpg 'push in' --camera orbit_l\t", "orbit_left")
    bash.type("\x15stillmotion demo on\t", "one.jpg")
    bash.type("\x15stillmotion models pull wan21-fl\t", "wan21-flf2v-14b")
