"""Progress bars on a terminal."""

import os
import pty
import re
import sys
from pathlib import Path

import pytest
from PIL import Image

from stillmotion.cli.generate.progress_bars import LiveBars
from tests.end_to_end.conftest import clean_environment

SEEN = re.compile(r"so far: (\S+preview\.jpg)")
CONTROL = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|\][^\x1b]*\x1b\\)")


def on_a_terminal(folder, words, settings, look, code=0):
    """The output of a command on its terminal. Each time it grows, `look` is called with all of it so far."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        environment = clean_environment(TERM="xterm", COLUMNS="100", **settings)
        os.execve(sys.executable, [sys.executable, "-m", "stillmotion", *words], environment)
    written = b""
    try:
        while piece := os.read(terminal, 65536):
            written += piece
            look(CONTROL.sub("", written.decode("utf-8", "replace")))
    except OSError:
        pass  # EIO: the other end of the terminal is closed.
    finally:
        os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == code, written
    return CONTROL.sub("", written.decode("utf-8", "replace"))


def test_the_line_says_where_what_is_made_so_far_can_be_seen(terminal):
    sizes = []

    def look(written):
        found = SEEN.search(written)
        if found and not sizes:
            with Image.open(found[1]) as picture:
                picture.load()
                sizes.append(picture.size)

    words = ["generate", "one.jpg", "orbit left", "-o", "out.mp4", "--seconds", "5"]
    written = on_a_terminal(terminal.folder, words, {"STILLMOTION_PREVIEW_SECONDS": "0.1"}, look)
    assert max(sizes[0]) == 512
    path = Path(SEEN.search(written)[1])
    assert not path.parent.exists()
    assert re.search(r"one\.jpg +rendering .* % +\d:\d\d:\d\d left ", written)
    assert "\nout.mp4  " in written.replace("\r", "\n")
    assert terminal.files("*.mp4") == ["out.mp4"]


def test_without_previews_none_is_named(terminal):
    words = ["generate", "one.jpg", "orbit left", "-o", "out.mp4", "--seconds", "1", "--resolution", "540p"]
    written = on_a_terminal(terminal.folder, words, {"STILLMOTION_PREVIEW_SECONDS": "0"}, lambda _: None)
    assert "so far" not in written


@pytest.mark.parametrize("place", ["/tmp/a/preview.jpg", "https://video.example/assets/" + "x" * 150])
def test_a_place_is_shown_whole_below_the_lines(place):
    shown = LiveBars()
    shown.progress.live.console.width = 60
    with shown.bar("a.jpg") as report:
        report("rendering", 0.5, place)
        with shown.progress.console.capture() as captured:
            for line in shown.progress.get_renderables():
                shown.progress.console.print(line)
    lines = captured.get().splitlines()
    assert "rendering" in lines[0]
    assert place in "".join(lines[1:])
