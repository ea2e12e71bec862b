"""Property of outputs: for any tree of files and links, and any target, no byte of another file is lost."""

import os
import stat
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillmotion import Client, client
from stillmotion.outputs import (
    BACKUP,
    CLIP,
    THUMBNAIL,
    IfThere,
    InputPaths,
    OutputRefused,
    OutputUnwritable,
    place,
    put,
)
from tests.clients.contract_server import Answer, contract_server

ID = "0193b1d2-6f5e-7c31-9d2a-5b0c7f3e8a44"
NEW = b"what was made"

NAMES = ("a.jpg", "A.jpg", "a.mp4", "b.mp4", "a.tar", "plain", "d", "d/a.mp4", "d/photo.mp4", "d/e/a.jpg")
LINKED = (*NAMES, "../a.mp4", "../a.jpg", "nowhere/x.mp4", "/dev/null", ".", "..")
ASKED = (
    *NAMES,
    *(
        "d/",
        "d/../a.mp4",
        "new/a.mp4",
        "new",
        "x.gif",
        ".",
        "d/e",
        "plain/",
        "a.jpg/b.mp4",
        "nowhere",
        "nowhere/../a.mp4",
    ),
)

KINDS = ("file", "file", "protected", "soft", "soft", "hard", "folder", "locked", "pipe")


@dataclass
class Writing:
    """One attempt to write an output to a name."""

    named: str
    pictures: list[str]
    kind: object
    overwrite: bool

    def by_command(self, made):
        if_there = IfThere.REPLACE if self.overwrite else IfThere.REFUSE
        return put(made, place(self.named, self.kind, "photo", if_there=if_there, inputs=InputPaths(self.pictures)))

    def by_client(self, connected):
        known = connected.submit("https://example.com/a.jpg", "a lake")
        known = connected.wait(known)
        object.__setattr__(known, "pictures", tuple(os.path.realpath(each) for each in self.pictures))
        return connected.download(known, self.named, thumbnail=self.kind is THUMBNAIL, overwrite=self.overwrite)


@st.composite
def tries(draw):
    """A tree and an output, mostly to an existing name and of a fitting kind."""
    grown = st.tuples(st.sampled_from(KINDS), st.sampled_from(NAMES), st.sampled_from(LINKED))
    tree = draw(st.lists(grown, max_size=9))
    there = [name for _, name, _ in tree] or ["plain"]
    named = draw(st.one_of(st.sampled_from(there), st.sampled_from(there), st.sampled_from(ASKED)))
    fitting = [kind for kind in (CLIP, THUMBNAIL, BACKUP) if Path(named).suffix.lower() in kind.suffixes]
    kind = draw(st.sampled_from([*fitting, *fitting, CLIP, THUMBNAIL, BACKUP]))
    pictures = draw(st.lists(st.sampled_from([named, *there]), max_size=2))
    return tree, Writing(named, pictures, kind, draw(st.booleans()))


def grow(tree):
    """Create the tree as far as the file system allows."""
    for number, (kind, name, other) in enumerate(tree):
        try:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            match kind:
                case "file" | "protected":
                    with Path(name).open("xb") as file:
                        file.write(b"%d of somebody" % number)
                    Path(name).chmod(0o644 if kind == "file" else 0o444)
                case "soft":
                    Path(name).symlink_to(other)
                case "hard":
                    os.link(other, name, follow_symlinks=False)
                case "folder" | "locked":
                    Path(name).mkdir()
                    Path(name).chmod(0o755 if kind == "folder" else 0o555)
                case "pipe":
                    os.mkfifo(name)
        except OSError:
            continue


def seen():
    """Every name with its contents: the bytes and mode of a file, the target of a link."""
    found = {}
    for path in sorted(Path().rglob("*")):
        status = path.lstat()
        if path.is_symlink():
            found[str(path)] = ("link", str(path.readlink()))
        elif stat.S_ISREG(status.st_mode):
            found[str(path)] = ("file", path.read_bytes(), stat.S_IMODE(status.st_mode))
        else:
            found[str(path)] = (stat.S_IFMT(status.st_mode), status.st_ino)
    return found


@contextmanager
def read_pipes():
    """Open every pipe for reading, so that no writer blocks."""
    with ExitStack() as stack:
        for path in Path().rglob("*"):
            if stat.S_ISFIFO(path.lstat().st_mode):
                stack.callback(os.close, os.open(path, os.O_RDWR | os.O_NONBLOCK))
        yield


def check(writing, write):
    before = seen()
    pictures = {each: Path(each).read_bytes() for each in writing.pictures if Path(each).is_file()}
    with read_pipes():
        try:
            written = write(writing)
        except (OutputRefused, OutputUnwritable, client.FileRefused, client.FileUnwritable):
            written = None
    after = seen()
    assert pictures == {each: Path(each).read_bytes() for each in pictures}
    if written is None:
        assert after == before
        return
    real = os.path.relpath(os.path.realpath(written))
    for name, was in before.items():
        if name == real and was[0] == "file":
            assert writing.overwrite
            assert was[2] & 0o222
            assert after[name] == ("file", NEW, was[2])
        else:
            assert after[name] == was
    appeared = {name for name in after.keys() - before.keys() if after[name][0] == "file"}
    assert appeared <= {real}
    if not stat.S_ISREG(Path(real).stat().st_mode):
        assert appeared == set()
    else:
        assert Path(real).read_bytes() == NEW


@contextmanager
def folder_with(tree):
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as outer:
        inner = Path(outer, "inner")
        inner.mkdir()
        os.chdir(inner)
        try:
            grow(tree)
            yield
        finally:
            os.chdir(before)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    file = tmp_path_factory.mktemp("made") / "made"
    file.write_bytes(NEW)
    return file


@settings(max_examples=400, deadline=None)
@given(tried=tries())
def test_no_command_takes_a_byte_that_it_was_not_given(made, tried):
    tree, writing = tried
    with folder_with(tree):
        check(writing, lambda each: each.by_command(made))


@pytest.fixture(scope="module")
def connected():
    with contract_server() as server:
        done = {"id": ID, "state": "completed", "model": "ray-2"}
        done["assets"] = {"video": f"{server.base}/clip", "image": f"{server.base}/clip"}
        server.on("POST", "/dream-machine/v1/generations/video", Answer(201, done))
        server.on("GET", "/clip", Answer(200, NEW))
        with Client(server.base, "sm_key") as ours:
            yield ours


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tried=tries().filter(lambda each: each[1].kind is not BACKUP))
def test_no_download_of_the_client_s_takes_one(connected, tried):
    tree, writing = tried
    with folder_with(tree):
        check(writing, lambda each: each.by_client(connected))
