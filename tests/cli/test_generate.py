"""`stillmotion generate`, here and on a server."""

import json
import shutil
import signal
import sys

import pytest

from stillmotion.cli.generate.depth_hint import DepthHint, hint, moves_by_estimate
from stillmotion.cli.generate.targets import orders
from stillmotion.config import Settings
from stillmotion.media.input.probe import probe
from stillmotion.outputs import OutputRefused
from tests.cli.conftest import SMALL
from tests.clients.contract_server import Answer
from tests.waiting import eventually

CLIENT, VERSION = "stillmotion (command line)", "of this version"
ID = "0193b1d2-6f5e-7c31-9d2a-5b0c7f3e8a44"
ONE = f"/dream-machine/v1/generations/{ID}"
DREAMING = {"id": ID, "state": "dreaming", "model": "ray-1-6", "assets": None, "progress": 0.5}


def test_a_picture_becomes_a_clip_here(terminal):
    code, out, err = terminal("generate", "one.jpg", "leaning girl", "-o", "new/out.mp4", "--camera", "push_in", *SMALL)
    assert (code, err.strip()) == (0, hint())
    assert "rendered by parallax/1" in out
    assert "push in" in out
    assert probe(terminal.folder / "new/out.mp4", whole=True).frame_count == 24
    assert terminal.files("*.mp4") == ["new/out.mp4"]


def test_a_clip_is_compressed_as_asked(terminal):
    for codec in ("av1", "h264"):
        clip = terminal.folder / f"{codec}.mp4"
        code, _, err = terminal("generate", "one.jpg", "push in", "-o", str(clip), "--codec", codec, *SMALL)
        assert (code, err.strip()) == (0, hint())
        assert probe(clip, whole=True).codec == codec


def test_many_pictures_become_many_clips_and_a_second_call_passes_over_them(terminal):
    words = ["orbit left", "-o", "out", *SMALL]
    code, out, err = terminal("generate", "one.jpg", "two.jpg", "missing.jpg", *words, "--json")
    said = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (1, "")
    assert [(each["image"], each["state"]) for each in said] == [
        ("one.jpg", "completed"),
        ("two.jpg", "completed"),
        ("missing.jpg", "failed"),
    ]
    assert (said[0]["engine"], said[0]["plan"]["moves"]) == ("parallax/1", [["orbit_left"]])
    assert "give a picture's path" in said[2]["reason"]
    half = terminal.folder / "out/two.mp4"
    half.write_bytes(half.read_bytes()[:20_000])
    cut_short = half.read_bytes()
    code, out, err = terminal("generate", "one.jpg", "two.jpg", *words)
    assert (code, out) == (1, "")
    assert "out/one.mp4 is there and whole: passed over (--overwrite makes it again)." in err
    assert "two.jpg: out/two.mp4 is there, and is no whole clip: --overwrite replaces it." in err
    assert "0 made, 1 passed over, 1 failed." in err
    assert half.read_bytes() == cut_short
    code, out, err = terminal("generate", "one.jpg", "two.jpg", *words, "--overwrite")
    assert "2 made, 0 passed over, 0 failed." in err
    assert terminal.files("out/*") == ["out/one.mp4", "out/two.mp4"]
    assert probe(half, whole=True).frame_count == 24


@pytest.mark.parametrize(
    ("depth", "moves", "is_told"),
    [
        ("estimated", [["static"], ["orbit_left"]], True),
        ("estimated", [["zoom_in"], ["pan_left", "static"]], False),
        ("none", [["orbit_left"]], False),
        ("image", [["orbit_left"]], False),
        ("model depth-anything-v2-small-int8", [["orbit_left"]], False),
    ],
)
def test_the_depth_network_is_named_to_those_whose_clips_it_would_change(depth, moves, is_told):
    plan = json.dumps({"moves": moves, "depth": depth})
    assert moves_by_estimate(plan) == is_told
    for setting, expected in (("", is_told), ("none", False)):
        told: list[str] = []
        watch = DepthHint(Settings(depth_model=setting))
        watch.see("")
        watch.see(plan)
        watch.see(plan)
        watch.tell(told.append)
        assert told == [hint()] * expected


def test_ctrl_c_leaves_nothing_half_made_here(terminal, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    terminal.settings = {"TMPDIR": str(scratch)}
    with terminal.start("generate", "one.jpg", "orbit left", "-o", "out.mp4", "--resolution", "4k") as process:
        eventually(lambda: any(scratch.rglob("video.mp4")), 90)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err.strip().splitlines()[-1]) == (130, "Cancelled; nothing is left half-made.")
    assert terminal.files() == ["one.jpg", "two.jpg"]
    assert list(scratch.iterdir()) == []


@pytest.mark.methods("generate")
def test_ctrl_c_cancels_on_the_server(terminal, server):
    server.on("POST", "/dream-machine/v1/generations/video", Answer(201, DREAMING))
    server.on("GET", ONE, Answer(200, DREAMING))
    server.on("DELETE", ONE, Answer(204))
    terminal.settings = {"STILLMOTION_SERVER": server.base, "STILLMOTION_KEY": "sm_key"}
    with terminal.start("generate", "one.jpg", "orbit left", "-o", "out.mp4") as process:
        eventually(lambda: f"GET {ONE}" in server.paths())
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == 130
    assert server.paths()[-1] == f"DELETE {ONE}"
    assert terminal.files() == ["one.jpg", "two.jpg"]


@pytest.mark.methods("generate")
def test_a_server_makes_clips_as_here(terminal, running):
    terminal.settings = {"STILLMOTION_SERVER": running.base, "STILLMOTION_KEY": running.key}
    words = ["generate", "one.jpg", "two.jpg", "orbit left", "--seed", "7", "--camera", "push_in", "--json", *SMALL]
    code, out, err = terminal(*words)
    assert (code, err) == (0, "")
    said = {each["image"]: each for each in map(json.loads, out.splitlines())}
    assert (said["one.jpg"]["state"], said["one.jpg"]["engine"]) == ("completed", "parallax/1")
    assert said["one.jpg"]["plan"]["moves"]
    assert probe(terminal.folder / "one.mp4", whole=True).frame_count == 24
    assert terminal.files("*.mp4") == ["one.mp4", "two.mp4"]


@pytest.mark.skipif(sys.platform == "darwin", reason="file names are Unicode there")
def test_a_name_that_is_no_unicode_is_one_like_another(terminal):
    shutil.copyfile(terminal.folder / "one.jpg", terminal.folder / "\udcff.jpg")
    code, _, err = terminal("generate", "\udcff.jpg", "push in", "-o", "out.mp4", *SMALL)
    assert (code, "Traceback" in err) == (0, False), err
    assert terminal.files("*.mp4") == ["out.mp4"]


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["one.jpg", "two.jpg", "x", "-o", "out.mp4"], 2, "out.mp4 is one file for 2 pictures: give a folder with -o."),
        (["one.jpg"], 2, "Give a picture and then a prompt: there is only 'one.jpg'."),
        (["one.jpg", "two.jpg"], 2, "The prompt comes last, and two.jpg is a file: say what is to happen"),
        (["one.jpg", "push", "in"], 2, "push is no file. If it belongs to the prompt, put that in quotes."),
        (["missing.jpg", "orbit left"], 1, "missing.jpg is not a file: give a picture's path or its URL"),
        (["one.jpg", "orbit left", "--seconds", "99"], 1, "--seconds: must be from 1 to 12 seconds"),
        (["one.jpg", "orbit left", "--codec", "vp9"], 2, "'vp9' is not one of 'h264', 'av1'"),
        (["one.jpg", "orbit left", "--camera", "backflip"], 2, "'backflip' is not one of"),
        (["one.jpg", "x", "--server", "http://127.0.0.1:9"], 1, "http://127.0.0.1:9 needs a key: give it with --key"),
        (["one.jpg", "x", "--server", "here", "--key", "k"], 1, "here is not a server's URL"),
        (["one.jpg", "x", "--model", "ray-2"], 2, "--model chooses among a server's models: give --server too."),
        (["one.jpg", "x", "--depth", "d.png", "--server", "http://x"], 2, "--depth works without a server only"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(terminal, words, code, sentence):
    ended, _, err = terminal("generate", *words)
    assert ended == code
    assert sentence in " ".join(err.split())
    assert "Traceback" not in err


def test_a_wrong_key_is_said_once(terminal, running):
    code, _, err = terminal("generate", "one.jpg", "x y z", "--server", running.base, "--key", "sm_wrong")
    assert code == 1
    assert err.strip().startswith("stillmotion: Invalid or missing authentication (status 401")


def test_pictures_of_one_name_are_told_apart(tmp_path):
    assert [str(each.out) for each in orders(["a/x.jpg", "https://example.com/y.png?z=1"], None)] == ["x.mp4", "y.mp4"]
    assert orders(["x.jpg"], str(tmp_path))[0].out.path == tmp_path / "x.mp4"
    for images in (["a/x.jpg", "b/x.jpg"], ["x.jpg", "x.png"]):
        with pytest.raises(OutputRefused, match=f"{images[0]} and {images[1]} would both become x\\.mp4"):
            orders(images, None)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://example.com/a%20lake.png", "a lake.mp4"),
        ("HTTPS://example.com/x.jpg", "x.mp4"),
        ("https://example.com/%2e%2e%2fx%1b.jpg", "x-.mp4"),
        ("https://example.com/", "clip.mp4"),
        ("http://[bad", "clip.mp4"),
        ("data:image/png;base64,/9j/4AAQ", "clip.mp4"),
        (f"https://example.com/{'x' * 400}.jpg", "x" * 60 + ".mp4"),
    ],
)
def test_a_clip_of_an_address_goes_by_the_last_of_its_path_as_far_as_that_is_a_name(address, name):
    assert str(orders([address], None)[0].out) == name
