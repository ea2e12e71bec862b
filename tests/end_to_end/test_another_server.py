"""One Stillmotion forwards clips to another. Both are real, and either is killed."""

from pathlib import Path

import pytest

from tests.end_to_end.conftest import Running, small_picture
from tests.waiting import eventually

QUICK = {"duration": 1, "resolution": "540p"}


def written(path: Path, studio: Running, *, alias: str = "studio", url: str = "") -> str:
    path.write_text(
        f"""
[aliases]
ray-1-6 = "{alias}"

[models.studio]
engine = "forward"
abilities = ["first", "last", "any", "loop"]
server = {{ speaks = "dream-machine", url = "{url or studio.base}", key = "{studio.key}", model = "ray-2" }}
"""
    )
    return str(path)


@pytest.fixture
def studio(make_running) -> Running:
    return make_running()


@pytest.mark.makes("a Dream-Machine-shaped server", "Gateway", "Start picture", "Loop")
def test_a_clip_is_made_by_the_other_and_published_here(make_running, studio, tmp_path):
    front = make_running(STILLMOTION_CATALOGUE=written(tmp_path / "models.toml", studio))
    body = {"prompt": "push in", "url": small_picture(), "loop": True, **QUICK}
    accepted = front.submit(body)
    assert accepted.headers["x-stillmotion-engine"] == "forward/studio"
    done = front.wait_for(accepted.body["id"], "completed", "failed")
    assert done["state"] == "completed", done
    video = front.call("GET", done["assets"]["video"].removeprefix(front.base))
    assert (video.status, video.headers["content-type"]) == (200, "video/mp4")
    assert front.call("GET", done["assets"]["image"].removeprefix(front.base)).status == 200
    ((theirs, request, state),) = studio.rows("SELECT id, request, state FROM generations")
    assert front.rows("SELECT remote FROM generations") == [(theirs,)]
    assert state == "completed"
    assert '"loop":true' in request
    assert 'stillmotion_server_up{server="studio"} 1.0' in front.call("GET", "/metrics").content.decode()


@pytest.mark.makes("an OpenAI-shaped server", "Gateway", "Start picture")
def test_a_clip_is_made_by_the_others_openai_surface(make_running, studio, tmp_path):
    catalogue = tmp_path / "models.toml"
    catalogue.write_text(
        f"""
[aliases]
ray-1-6 = "videos"

[models.videos]
engine = "forward"
abilities = ["first"]
sizes = {{ listed = [[1280, 720], [720, 1280]] }}
options = {{ plain = true }}
server = {{ speaks = "openai", url = "{studio.base}/v1", key = "{studio.key}", model = "sora-2" }}
"""
    )
    front = make_running(STILLMOTION_CATALOGUE=str(catalogue))
    accepted = front.submit({"prompt": "push in", "url": small_picture(), "duration": 2, "aspect_ratio": "9:16"})
    done = front.wait_for(accepted.body["id"], "completed", "failed")
    assert done["state"] == "completed", done
    ((theirs, request),) = studio.rows("SELECT id, request FROM generations")
    assert front.rows("SELECT remote, engine FROM generations") == [(theirs, "forward/videos")]
    assert '"seconds":2.0' in request


def test_killed_while_the_other_renders_it_goes_on_with_the_same_job(make_running, studio, tmp_path):
    front = make_running(STILLMOTION_CATALOGUE=written(tmp_path / "models.toml", studio))
    body = {"prompt": "push in", "url": small_picture(), "resolution": "720p", "duration": 9}
    accepted = front.submit(body)
    eventually(lambda: front.rows("SELECT remote FROM generations")[0][0], 30)
    front.kill()
    front.start()
    assert front.wait_for(accepted.body["id"], "completed", "failed")["state"] == "completed"
    assert front.rows("SELECT attempt, failures FROM generations") == [(2, 0)]
    assert len(studio.rows("SELECT id FROM generations")) == 1


def test_a_job_that_the_other_refuses_fails_with_its_words(make_running, studio, tmp_path):
    catalogue = Path(written(tmp_path / "models.toml", studio))
    catalogue.write_text(catalogue.read_text().replace('model = "ray-2"', 'model = "ray-9"'))
    front = make_running(STILLMOTION_CATALOGUE=str(catalogue))
    accepted = front.submit({"prompt": "push in", "url": small_picture(), **QUICK})
    failed = front.wait_for(accepted.body["id"], "completed", "failed")
    assert failed["failure_reason"].startswith("The server that makes this model refused it: “model: is not one of")


def test_what_a_dead_server_was_to_make_is_made_by_the_next(make_running, studio, tmp_path):
    catalogue = written(tmp_path / "models.toml", studio, alias="studio > parallax", url="http://127.0.0.1:9")
    front = make_running(STILLMOTION_CATALOGUE=catalogue)
    accepted = front.submit({"prompt": "push in", "url": small_picture(), **QUICK})
    assert accepted.headers["x-stillmotion-engine"] == "forward/studio"
    assert front.wait_for(accepted.body["id"], "completed", "failed")["state"] == "completed"
    assert front.status(accepted.body["id"]).headers["x-stillmotion-engine"] == "parallax/1"
    assert 'stillmotion_server_up{server="studio"} 0.0' in front.call("GET", "/metrics").content.decode()
    ready = front.call("GET", "/readyz")
    assert (ready.status, ready.body["status"]) == (200, "ready")
    assert "does not answer" in ready.body["in_trouble"]["studio"]


def test_a_model_that_nobody_can_make_just_now_is_said_by_readyz(make_running, studio, tmp_path):
    front = make_running(STILLMOTION_CATALOGUE=written(tmp_path / "models.toml", studio, url="http://127.0.0.1:9"))
    front.submit({"prompt": "push in", "url": small_picture(), **QUICK})
    servers = eventually(lambda: front.call("GET", "/readyz").body.get("missing", {}).get("servers"))
    assert "nobody makes ray-1-6 just now" in servers


def test_what_no_engine_of_a_model_can_do_is_refused_before_it_is_paid_for(make_running, studio, tmp_path):
    catalogue = Path(written(tmp_path / "models.toml", studio))
    catalogue.write_text(catalogue.read_text().replace('["first", "last", "any", "loop"]', '["first"]'))
    front = make_running(STILLMOTION_CATALOGUE=str(catalogue))
    refused = front.submit({"prompt": "push in", "url": small_picture(), "loop": True, **QUICK})
    assert refused.status == 400
    assert refused.body["details"] == [
        {"field": "loop", "message": "cannot be had: studio does not end where it began; leave it out"}
    ]
    assert front.rows("SELECT id FROM generations") == []
