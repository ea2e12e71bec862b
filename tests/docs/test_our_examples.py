"""Our own examples, run against a live server as a reader would."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from stillmotion import Client
from stillmotion.adapters.callbacks import sign
from stillmotion.adapters.identifiers import new_callback_secret
from stillmotion.media.input.probe import probe
from tests.docs.markdown_pages import ROOT

EXAMPLES = ROOT / "examples"


@pytest.fixture
def environment(live):
    return {**os.environ, "BASE_URL": live.base, "SUBSCRIPTION_KEY": live.key}


class TestBatch:
    @pytest.fixture
    def folder(self, tmp_path, live):
        pictures = tmp_path / "pictures"
        pictures.mkdir()
        for name in ("cat.jpg", "dog.jpg"):
            shutil.copy(live.picture_file, pictures / name)
        (pictures / "cat.txt").write_text("orbit left")
        (pictures / "notes.md").write_text("no picture")
        return pictures

    @pytest.fixture
    def batch(self, folder, environment):
        def run(*more):
            command = [sys.executable, EXAMPLES / "batch.py", folder, folder.parent / "clips", "push in", *more]
            return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)

        return run

    def test_each_picture_becomes_a_clip(self, batch, folder):
        ended = batch()
        assert ended.returncode == 0, ended.stderr
        clips = folder.parent / "clips"
        assert sorted(path.name for path in clips.iterdir()) == ["cat.mp4", "dog.mp4"]
        assert probe(clips / "cat.mp4").frame_count > 0
        assert (clips / "cat.mp4").read_bytes() != (clips / "dog.mp4").read_bytes()

    def test_a_second_run_goes_on_with_what_the_first_left(self, batch, folder, live):
        clips = folder.parent / "clips"
        clips.mkdir()
        (clips / "cat.mp4").write_bytes(b"a clip")
        with Client(live.base, live.key) as client:
            left = client.submit(folder / "dog.jpg", "push in", seconds=1).id
            (clips / "dog.generation").write_text(left)
            ended = batch()
            assert ended.stdout.splitlines()[:2] == [
                f"{clips}/cat.mp4: there already",
                f"{clips}/dog.mp4: {client.get(left).engine}, {left}",
            ]
        assert probe(clips / "dog.mp4").frame_count == 24
        assert [path.name for path in clips.glob("*.generation")] == []

    def test_a_picture_that_is_none_fails_alone(self, batch, folder):
        (folder / "broken.png").write_bytes(b"no picture")
        clips = folder.parent / "clips"
        clips.mkdir()
        (clips / "cat.mp4").write_bytes(b"a clip")
        ended = batch()
        assert ended.returncode == 1
        assert "broken.png" in ended.stderr
        assert "2 of 3 pictures have a clip" in ended.stdout


class TestWebPage:
    @pytest.fixture
    def site(self, live, environment):
        port = live.callback_port
        own = {**environment, "CALLBACK_SECRET": live.callback_secret, "PORT": str(port)}
        command = [sys.executable, EXAMPLES / "web_page" / "server.py"]
        serving = subprocess.Popen(command, env=own, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            assert serving.stdout is not None
            assert serving.stdout.readline() == f"Open http://127.0.0.1:{port}\n"
            yield f"http://127.0.0.1:{port}"
        finally:
            serving.kill()
            serving.wait()
            serving.stdout.close()

    def post(self, address, body, headers):
        request = urllib.request.Request(address, body, headers, method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def submit(self, site, picture):
        return self.post(f"{site}/clips?" + urlencode({"prompt": "push in"}), picture, {})["id"]

    def state(self, site, generation_id):
        with urllib.request.urlopen(f"{site}/clips/{generation_id}", timeout=30) as answer:
            return json.load(answer)

    def test_the_page_hears_of_its_clip_by_callback(self, site, live):
        with urllib.request.urlopen(site, timeout=30) as page:
            assert b"<form>" in page.read()
        made = self.submit(site, live.picture_file.read_bytes())
        deadline = time.monotonic() + 60
        while (shown := self.state(site, made))["state"] != "completed":
            assert time.monotonic() < deadline, shown
            time.sleep(0.1)
        with urllib.request.urlopen(shown["video"], timeout=30) as clip:
            assert clip.read(12)[4:8] == b"ftyp"

    def test_a_picture_that_is_none_is_said_to_be_none(self, site):
        with pytest.raises(urllib.error.HTTPError) as refused:
            self.submit(site, b"no picture")
        assert refused.value.code == 400
        assert json.load(refused.value)["error"]

    @pytest.mark.parametrize("ours", [True, False], ids=["signed with the secret", "signed with another"])
    def test_a_callback_counts_where_the_server_signed_it(self, site, live, ours):
        body = json.dumps({"id": "made-up", "state": "completed", "model": "ray-2"}).encode()
        secret = live.callback_secret if ours else new_callback_secret()
        headers = sign(secret, "msg_made-up_completed", datetime.now(UTC), body)
        if ours:
            self.post(f"{site}/callback", body, headers)
            assert self.state(site, "made-up")["state"] == "completed"
            return
        with pytest.raises(urllib.error.HTTPError) as refused:
            self.post(f"{site}/callback", body, headers)
        assert refused.value.code == 401
        with pytest.raises(urllib.error.HTTPError) as unknown:
            self.state(site, "made-up")
        assert unknown.value.code == 404


class TestNotebook:
    NOTEBOOK = json.loads((EXAMPLES / "notebook.ipynb").read_text("utf-8"))

    def test_its_cells_run_in_their_order(self, live, environment, tmp_path):
        shutil.copy(live.picture_file, tmp_path / "photo.jpg")
        cells = ["".join(cell["source"]) for cell in self.NOTEBOOK["cells"] if cell["cell_type"] == "code"]
        command = [sys.executable, "-c", "\n\n".join([*cells, "import json", "print(json.dumps(plan))"])]
        ended = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert ended.returncode == 0, ended.stderr
        made = {path.name for path in tmp_path.glob("*.mp4")}
        assert made == {"push-in.mp4", "push_in.mp4", "orbit_left.mp4", "crane_up.mp4"}
        assert "dragon" in ended.stdout.splitlines()[-1]

    def test_it_is_kept_without_what_a_run_left_in_it(self):
        assert self.NOTEBOOK["nbformat"] == 4
        code = [cell for cell in self.NOTEBOOK["cells"] if cell["cell_type"] == "code"]
        assert code
        assert [cell["id"] for cell in code if cell["outputs"] or cell["execution_count"] is not None] == []
