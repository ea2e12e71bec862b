"""Playback in a browser from the signed URL, without headers or scripts of ours."""

import queue
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from stillmotion.domain.request import VideoCodec
from tests.end_to_end.conftest import small_picture
from tests.waiting import LOOK_SECONDS

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
PAGE = """<!doctype html><video muted src="{video}"></video><img src="{image}"><script>
const video = document.querySelector('video'), image = document.querySelector('img');
const tell = what => fetch('/told?' + new URLSearchParams(what));
video.onerror = () => tell({{event: 'error', message: video.error.message}});
video.onended = () => tell({{event: 'ended', width: video.videoWidth, height: video.videoHeight,
    seconds: video.duration, thumbnail: image.naturalWidth}});
video.onseeked = () => video.play();
video.onloadeddata = () => {{ video.currentTime = 0.4 }};
</script>"""


class _Page(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/told"):
            self.server.told.put({name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()})
        content = self.server.page.encode() if self.path == "/" else b""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        """Suppress the log."""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("codec", list(VideoCodec))
def test_a_browser_plays_the_clip_and_seeks_in_it(running, tmp_path, codec):
    asked = {"prompt": "push in", "url": small_picture(), "duration": 1, "resolution": "540p", "codec": codec}
    accepted = running.submit(asked)
    assets = running.wait_for(accepted.body["id"], "completed")["assets"]
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    server.page, server.told = PAGE.format(**assets), queue.Queue()
    threading.Thread(target=server.serve_forever, args=(LOOK_SECONDS,), daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}/"
    browser = subprocess.Popen(
        [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--remote-debugging-port=0", address],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        told = server.told.get(timeout=60)
    finally:
        browser.kill()
        browser.wait()
        server.shutdown()
        server.server_close()
    assert told["event"] == "ended", told
    assert int(told["width"]) * int(told["height"]) == pytest.approx(960 * 540, rel=0.01)
    assert float(told["seconds"]) == pytest.approx(1.0, abs=0.05)
    assert int(told["thumbnail"]) > 0
