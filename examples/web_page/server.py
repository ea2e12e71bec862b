"""A web page that makes clips, and hears by callback when they are made.

BASE_URL=http://127.0.0.1:8080 SUBSCRIPTION_KEY=sm_... CALLBACK_SECRET=whsec_... python3 examples/web_page/server.py

Open http://127.0.0.1:8090. `CALLBACK_URL` is this program's address as the Stillmotion server reaches it. Clips are
remembered until the program ends: a real site would keep them in its database, under the generation's id.
"""

import json
import os
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from stillmotion.client import CallbackNotVerified, Client, ClientError, Generation, verify_callback

PORT = int(os.environ.get("PORT", "8090"))
CALLBACK_URL = os.environ.get("CALLBACK_URL", f"http://127.0.0.1:{PORT}/callback")
MOST_BYTES = 20 * 1024 * 1024
PAGE = Path(__file__).with_name("page.html")


class Clips:
    """The generations of this page, as their callbacks told of them."""

    def __init__(self, client: Client, secret: str) -> None:
        self._client, self._secret = client, secret
        self._lock = threading.Lock()
        self._known: dict[str, Generation] = {}
        self._heard: set[str] = set()

    def submit(self, picture: bytes, prompt: str) -> str:
        """The id of a new generation. Raises `ClientError`."""
        generation = self._client.submit(picture, prompt, callback_url=CALLBACK_URL)
        with self._lock:
            # Its first callback may have been quicker than this answer.
            self._known.setdefault(generation.id, generation)
        return generation.id

    def hear(self, headers: Mapping[str, str], body: bytes) -> None:
        """Note a callback. Raises `CallbackNotVerified` where the signature is not the server's."""
        generation = verify_callback(headers, body, self._secret)
        message = headers["webhook-id"]
        with self._lock:
            # A message may come twice, and messages may overtake each other: an end stays the end.
            before = self._known.get(generation.id)
            if message not in self._heard and not (before and before.has_ended):
                self._known[generation.id] = generation
            self._heard.add(message)

    def get(self, generation_id: str) -> Generation | None:
        """A generation of this page's, or None."""
        with self._lock:
            return self._known.get(generation_id)


class Site(ThreadingHTTPServer):
    """The page's server, on this machine alone."""

    daemon_threads = True

    def __init__(self, clips: Clips) -> None:
        super().__init__(("127.0.0.1", PORT), Visit)
        self.clips = clips


class Visit(BaseHTTPRequestHandler):
    """One request. The browser never sees the key."""

    timeout = 60
    server: Site

    def do_GET(self) -> None:
        """Answer with the page, or with a clip's state."""
        path = urlsplit(self.path).path
        if path == "/":
            self._send(200, PAGE.read_bytes(), "text/html; charset=utf-8")
            return
        generation = self.server.clips.get(path.removeprefix("/clips/"))
        if generation is None:
            self._json(404, {"error": "There is no such clip."})
            return
        shown = {
            "state": generation.state,
            "video": generation.video_url,
            "image": generation.image_url,
            "why": generation.failure_reason,
        }
        self._json(200, shown)

    def do_POST(self) -> None:
        """Take a picture from the page, or a callback from the server."""
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 < length <= MOST_BYTES:
            self._json(413, {"error": f"Send from 1 to {MOST_BYTES} bytes."})
            return
        body = self.rfile.read(length)
        asked = urlsplit(self.path)
        if asked.path == "/callback":
            self._callback(body)
        elif asked.path == "/clips":
            self._submit(body, parse_qs(asked.query).get("prompt", [""])[0])
        else:
            self._json(404, {"error": "There is nothing here."})

    def _callback(self, body: bytes) -> None:
        try:
            self.server.clips.hear({name.lower(): value for name, value in self.headers.items()}, body)
        except CallbackNotVerified as error:
            self._json(401, {"error": str(error)})
            return
        self._json(200, {})

    def _submit(self, picture: bytes, prompt: str) -> None:
        try:
            generation_id = self.server.clips.submit(picture, prompt)
        except ClientError as error:
            self._json(400, {"error": str(error)})
            return
        self._json(200, {"id": generation_id})

    def _json(self, status: int, told: Mapping[str, object]) -> None:
        self._send(status, json.dumps(told).encode(), "application/json")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> int:
    with Client(os.environ["BASE_URL"], os.environ["SUBSCRIPTION_KEY"]) as client:
        site = Site(Clips(client, os.environ["CALLBACK_SECRET"]))
        print(f"Open http://127.0.0.1:{PORT}", flush=True)
        try:
            site.serve_forever()
        except KeyboardInterrupt:
            return 130
        finally:
            site.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
