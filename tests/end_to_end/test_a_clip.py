"""From an HTTP submit to a file that plays, through every part of the service."""

import base64
import hashlib
import io
import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from PIL import Image, ImageOps
from standardwebhooks import Webhook

from stillmotion.cli.generate.depth_hint import hint
from stillmotion.media.input.probe import probe
from tests.end_to_end.conftest import COMMAND, clean_environment, small_picture
from tests.forked import ended
from tests.waiting import LOOK_SECONDS

QUICK = {"duration": 1, "resolution": "540p"}


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def test_a_picture_and_a_sentence_become_a_clip_that_plays(running, tmp_path):
    accepted = running.submit({"prompt": "leaning girl", "url": small_picture(), **QUICK})
    assert accepted.status == 200
    assert accepted.body["state"] == "queued"
    done = running.wait_for(accepted.body["id"], "completed", "failed")
    assert done["state"] == "completed", done
    assert "msg" not in done

    video = running.call("GET", path_of(done["assets"]["video"]))
    assert (video.status, video.headers["content-type"]) == (200, "video/mp4")
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(video.content)
    facts = probe(clip, whole=True)
    assert (facts.codec, facts.frame_count) == ("h264", 24)
    assert facts.size.width * facts.size.height == pytest.approx(960 * 540, rel=0.01)

    thumbnail = running.call("GET", path_of(done["assets"]["image"]))
    assert (thumbnail.status, thumbnail.headers["content-type"]) == (200, "image/jpeg")
    assert thumbnail.content[:3] == b"\xff\xd8\xff"


def test_the_owner_of_a_bad_picture_is_told_what_to_do(running):
    broken = small_picture()[:-120]
    broken = broken[: len(broken) // 4 * 4]
    accepted = running.submit({"prompt": "push in", "url": broken, **QUICK})
    if accepted.status == 400:
        assert accepted.body["details"][0]["field"] == "url"
        return
    seen = running.wait_for(accepted.body["id"], "completed", "failed")
    assert seen["state"] == "failed"
    assert "damaged" in seen["failure_reason"]
    assert seen["assets"] is None


def test_keys_made_while_it_runs_work_and_suspended_ones_do_not(running):
    made = running.new_key()
    running.key = made["secondary_key"]
    accepted = running.submit({"prompt": "push in", "url": small_picture(), **QUICK})
    assert accepted.status == 200
    running.wait_for(accepted.body["id"], "completed")
    command = ["keys", "suspend", made["subscription"], "--data-dir", str(running.directory)]
    assert ended(command, clean_environment(**running.of_commands()))[0] == 0
    for _ in range(40):
        refused = running.status(accepted.body["id"])
        if refused.status == 401:
            break
        threading.Event().wait(0.05)
    assert refused.body == {"error": "Invalid or missing authentication"}


class _Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((dict(self.headers), body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments):
        """Suppress the log."""


@pytest.fixture
def receiver():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Receiver)
    server.received = []
    threading.Thread(target=server.serve_forever, args=(LOOK_SECONDS,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_callbacks_tell_the_same_story_signed(make_running, receiver):
    port = receiver.server_address[1]
    running = make_running(STILLMOTION_FETCH_ALLOW_CIDRS="127.0.0.0/8", STILLMOTION_FETCH_ALLOWED_PORTS=str(port))
    made = running.new_key()
    running.key = made["key"]
    asked = {"prompt": "push in", "url": small_picture(), "callback_url": f"http://127.0.0.1:{port}/hook", **QUICK}
    accepted = running.submit(asked)
    running.wait_for(accepted.body["id"], "completed")
    for _ in range(100):
        if len(receiver.received) == 2:
            break
        threading.Event().wait(0.05)
    verified = [Webhook(made["callback_secret"]).verify(body, headers) for headers, body in receiver.received]
    assert sorted(each["state"] for each in verified) == ["completed", "dreaming"]
    completed = next(each for each in verified if each["state"] == "completed")
    assert completed["id"] == accepted.body["id"]
    assert running.call("HEAD", path_of(completed["assets"]["video"])).status == 200


def test_the_clip_in_storage_is_the_one_in_the_row(running):
    accepted = running.submit({"prompt": "zoom in", "url": small_picture(), **QUICK})
    done = running.wait_for(accepted.body["id"], "completed")
    whole = running.call("GET", path_of(done["assets"]["video"])).content
    part = running.call("GET", path_of(done["assets"]["video"]), Range="bytes=100-199")
    assert (part.status, part.content) == (206, whole[100:200])
    stored = {hashlib.sha256(each.read_bytes()).digest() for each in (running.directory / "objects").rglob("*.mp4")}
    assert hashlib.sha256(whole).digest() in stored
    assert len(stored) == 2, "the clip and its preview"


def test_demo_leaves_a_clip_that_plays(tmp_path):
    done = subprocess.run(
        [*COMMAND, "demo", "--codec", "av1"],
        cwd=tmp_path,
        env=clean_environment(HOME=str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    facts = probe(tmp_path / "out" / "demo.mp4", whole=True)
    assert (facts.size.width, facts.size.height, facts.frame_count, facts.codec) == (1280, 720, 120, "av1")
    assert (tmp_path / "out" / "demo.thumbnail.jpg").stat().st_size > 1000
    assert done.stdout.splitlines()[-2].startswith("Moves: ")
    assert "1280×720" in done.stdout.splitlines()[-1]
    assert done.stderr.splitlines()[-1] == hint()


def test_demo_says_what_is_wrong_with_what_it_was_given(tmp_path):
    words = ["demo", "no-such-picture.jpg"]
    code, _, err = ended(words, clean_environment(), tmp_path)
    assert code == 1
    assert err.startswith("stillmotion: no-such-picture.jpg cannot be read: No such file")


def test_generate_needs_no_server(tmp_path):
    (tmp_path / "a.png").write_bytes(base64.b64decode(small_picture().split(",")[1]))
    words = ["generate", "a.png", "orbit left", "-o", "b/c.mp4", "--seconds", "1", "--aspect", "9:16"]
    code, _, err = ended(words, clean_environment(), tmp_path)
    assert code == 0, err
    facts = probe(tmp_path / "b" / "c.mp4", whole=True)
    assert (facts.size.width, facts.size.height, facts.frame_count) == (720, 1280, 24)
    assert not list((tmp_path / "b").glob(".*"))


def test_generate_moves_the_picture_by_the_depth_that_is_given(tmp_path):
    (tmp_path / "a.png").write_bytes(base64.b64decode(small_picture().split(",")[1]))
    near = Image.linear_gradient("L").resize((64, 48))
    near.save(tmp_path / "near.png")
    ImageOps.invert(near).save(tmp_path / "far.png")
    words = ["generate", "a.png", "pedestal up", "--seconds", "1", "--resolution", "540p"]
    clips = {"near.mp4": ["--depth", "near.png"], "far.mp4": ["--depth", "far.png", "--depth-inverted"], "own.mp4": []}
    for clip, depth in clips.items():
        made = [*words, *depth, "-o", clip]
        code, out, err = ended(made, clean_environment(), tmp_path)
        assert code == 0, err
        assert ("Depth: image" in out) == bool(depth)
    by_near, by_far, by_own = ((tmp_path / clip).read_bytes() for clip in clips)
    assert by_near == by_far
    assert by_near != by_own


@pytest.mark.parametrize("words", [["serve", "--port", "0"], ["generate", "a.png", "push in", "-o", "c.mp4"]])
def test_a_depth_model_that_is_not_there_is_refused_at_the_start(tmp_path, words):
    (tmp_path / "a.png").write_bytes(base64.b64decode(small_picture().split(",")[1]))
    environment = clean_environment(
        STILLMOTION_DEPTH_MODEL="midas.onnx", STILLMOTION_DATA_DIR=str(tmp_path / "kept"), STILLMOTION_RENDERERS="1"
    )
    code, _, err = ended(words, environment, tmp_path)
    assert code == 1
    assert err.strip().splitlines()[-1] == (
        f"stillmotion: depth_model names {tmp_path / 'midas.onnx'}, "
        "which is not a file: give the path of an ONNX model."
    )


def photograph() -> str:
    """A data URI of a picture that is not taken for a drawing."""
    grain = Image.effect_noise((160, 120), 60).convert("RGB")
    file = io.BytesIO()
    grain.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def test_the_service_tells_depth_by_the_operators_model(make_running, tmp_path):
    pytest.importorskip("onnxruntime", reason="needs ONNX Runtime: pip install stillmotion[onnx]")
    onnx_models = pytest.importorskip("tests.engines.parallax.onnx_models", reason="needs onnx, to make the model")
    running = make_running(STILLMOTION_DEPTH_MODEL=str(onnx_models.brightness(tmp_path / "bright.onnx")))
    accepted = running.submit({"prompt": "push in", "url": photograph(), **QUICK})
    done = running.wait_for(accepted.body["id"], "completed", "failed")
    assert done["state"] == "completed", done
    given = {"Ocp-Apim-Subscription-Key": running.key}
    plan = running.call("GET", f"/generations/{accepted.body['id']}/plan", **given)
    assert plan.body["plan"]["depth"] == "model bright"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["missing.jpg", "push in"], "IMAGE: missing.jpg is not a file"),
        (["notes.txt", "push in", "--depth", "missing.png"], "--depth: missing.png is not a file"),
        (["notes.txt", "push in"], "image"),
        (["http://127.0.0.1:9/a.png", "push in"], "private network"),
        (["notes.txt", " "], "PROMPT: must not be blank"),
        (["notes.txt", "x", "--seconds", "60"], "seconds: must be from 1 to 12 seconds"),
    ],
)
def test_generate_refuses_in_a_sentence(tmp_path, words, sentence):
    (tmp_path / "notes.txt").write_text("no picture at all")
    code, _, err = ended(["generate", *words, "-o", "out.mp4"], clean_environment(), tmp_path)
    assert code == 1
    assert sentence in err
    assert "Traceback" not in err
    assert not (tmp_path / "out.mp4").exists()


def test_config_shows_every_setting_and_where_it_came_from(tmp_path):
    environment = clean_environment(STILLMOTION_PORT="9", STILLMOTION_STORAGE_OPTIONS="secret_access_key=hush")
    code, out, _ = ended(["config", "--json"], environment)
    assert code == 0
    shown = json.loads(out)
    assert (shown["port"]["value"], shown["port"]["source"]) == ("9", "environment")
    assert "hush" not in out
