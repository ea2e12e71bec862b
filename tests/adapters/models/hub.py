"""A model hub on loopback that speaks the protocol of `huggingface_hub`: a listing, and files by range.

Large files lie on another port, as those of a real hub lie on a CDN. It misbehaves as a test tells it.
"""

import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from tests.waiting import LOOK_SECONDS

SHA = "5f1e0a2b" * 5


def tensors(count: int) -> bytes:
    """A safetensors file with `count` bytes of weights."""
    header = json.dumps({"weight": {"dtype": "U8", "shape": [count], "data_offsets": [0, count]}}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(range(256)) * (count // 256) + b"\1" * (count % 256)


PARTS = {
    "_class_name": "WanImageToVideoPipeline",
    "_diffusers_version": "0.42.1",
    "boundary_ratio": 0.9,
    "image_encoder": [None, None],
    "scheduler": ["diffusers", "UniPCMultistepScheduler"],
    "text_encoder": ["transformers", "UMT5EncoderModel"],
    "tokenizer": ["transformers", "T5TokenizerFast"],
    "transformer": ["diffusers", "WanTransformer3DModel"],
}
FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
WEIGHTS = {
    "model_index.json": json.dumps(PARTS).encode(),
    "LICENSE.txt": b"Apache License 2.0",
    "scheduler/scheduler_config.json": b"{}",
    "text_encoder/config.json": b"{}",
    "text_encoder/model.safetensors.index.json": json.dumps({"weight_map": {"a": FIRST, "b": SECOND}}).encode(),
    f"text_encoder/{FIRST}": tensors(5000),
    f"text_encoder/{SECOND}": tensors(3000),
    "tokenizer/tokenizer_config.json": b"{}",
    "tokenizer/spiece.model": b"pieces",
    "transformer/config.json": b"{}",
    "transformer/diffusion_pytorch_model.safetensors": tensors(300_000),
}
"""Files that loading needs."""
REST = {
    ".gitattributes": b"*.safetensors filter=lfs",
    "assets/clip.mp4": b"film" * 1000,
    "whole-checkpoint.safetensors": tensors(9000),
    "transformer/diffusion_pytorch_model.bin": b"older" * 1000,
    "transformer/diffusion_pytorch_model.fp16.safetensors": tensors(2000),
}
"""Other files of the repository."""


@dataclass
class Hub:
    """State of the hub, and its faults.

    `cut_at` ends the answers of large files after so many bytes, and the server is in trouble from then on. `damaged`
    names files whose bytes differ from the listing. With `token` the repository is gated. `refuses_with` is the status
    of every answer about a file. With `takes_no_ranges` a large file always comes from its first byte on.
    A larger answer than `held_at` stops there until `go_on` is set.
    """

    name: str = "studio/small"
    revision: str = SHA
    files: dict[str, bytes] = field(default_factory=lambda: WEIGHTS | REST)
    cut_at: int = 0
    damaged: frozenset[str] = frozenset()
    token: str = ""
    url: str = ""
    elsewhere: str = ""
    is_in_trouble: bool = False
    refuses_with: int = 0
    takes_no_ranges: bool = False
    held_at: int = 0
    go_on: threading.Event = field(default_factory=threading.Event)
    given: list[tuple[str, str]] = field(default_factory=list)
    """The requested files and their ranges."""
    keys: list[tuple[str, str]] = field(default_factory=list)
    """The place of each request, `hub` or `elsewhere`, and its Authorization header."""

    def listing(self) -> dict[str, object]:
        return {"id": self.name, "sha": self.revision, "siblings": [self._listed(*each) for each in self.files.items()]}

    def _listed(self, name: str, content: bytes) -> dict[str, object]:
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        listed: dict[str, object] = {"rfilename": name, "size": len(content), "blobId": blob}
        if is_large(name):
            listed["lfs"] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "pointerSize": 134}
        return listed


def is_large(name: str) -> bool:
    return name.endswith((".safetensors", ".bin", ".onnx"))


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub
    place: str

    def log_message(self, *arguments) -> None:
        """Suppress the log."""

    def answer(self, path: str) -> None:
        raise AssertionError("each place has its own")

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        if path != "/api/agent-harnesses":  # A request of the library's own, without a key.
            self.hub.keys.append((self.place, self.headers.get("Authorization", "")))
        self.answer(path)

    do_HEAD = do_GET  # noqa: N815 - the library's name

    def refuse(self, status: int, code: str) -> None:
        told = {401: {"X-Error-Message": "Invalid credentials in Authorization header"}}.get(status, {})
        self.give(b"", told | ({"X-Error-Code": code} if code else {}), status)

    def give(self, content: bytes, headers=None, status: int = 200, length: int | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(length or len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


class _OfHub(_Handler):
    """The hub itself: the listing, small files, and redirects to large ones."""

    place = "hub"

    def answer(self, path: str) -> None:
        files = f"/{self.hub.name}/resolve/{self.hub.revision}/"
        if self.hub.token and self.headers.get("Authorization") != f"Bearer {self.hub.token}":
            self.refuse(403, "GatedRepo")
        elif path == f"/api/models/{self.hub.name}":
            self.give(json.dumps(self.hub.listing()).encode())
        elif path.startswith(files):
            self._file(path.removeprefix(files))
        else:
            self.refuse(404, "RepoNotFound")

    def _file(self, name: str) -> None:
        if self.hub.refuses_with or name not in self.hub.files:
            self.refuse(self.hub.refuses_with or 404, "" if self.hub.refuses_with else "EntryNotFound")
            return
        content = self.hub.files[name]
        etag = f'"{hashlib.sha256(content).hexdigest()}"'
        if is_large(name):
            linked = {"X-Repo-Commit": self.hub.revision, "X-Linked-ETag": etag, "X-Linked-Size": str(len(content))}
            self.give(b"", linked | {"Location": f"{self.hub.elsewhere}/{name}?signature=x"}, status=302)
            return
        if self.command == "GET":
            self.hub.given.append((name, ""))
        self.give(content, {"X-Repo-Commit": self.hub.revision, "ETag": etag})


class _Elsewhere(_Handler):
    """The server of large files, as a CDN."""

    place = "elsewhere"

    def answer(self, path: str) -> None:
        hub, name = self.hub, path.removeprefix("/")
        content = hub.files[name]
        hub.given.append((name, self.headers.get("Range", "")))
        if hub.is_in_trouble:
            self.refuse(503, "")
            return
        if name in hub.damaged:
            content = content[:-1] + b"\xff"
        asked = "" if hub.takes_no_ranges else self.headers.get("Range", "")
        start = int(asked.removeprefix("bytes=").partition("-")[0] or 0)
        ranged = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
        left = content[start:]
        if hub.cut_at and len(left) > hub.cut_at:
            hub.is_in_trouble = True
            self.give(left[: hub.cut_at], ranged, 206 if start else 200, len(left))
            self.close_connection = True
            return
        if hub.held_at and len(left) > hub.held_at:
            self.give(left[: hub.held_at], ranged, 206 if start else 200, len(left))
            hub.go_on.wait(20)
            self.wfile.write(left[hub.held_at :])
            return
        self.give(left, ranged, 206 if start else 200)


@contextmanager
def open_hub(hub: Hub) -> Iterator[Hub]:
    servers = [
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (kind,), {"hub": hub}))
        for kind in (_OfHub, _Elsewhere)
    ]
    hub.url, hub.elsewhere = (f"http://127.0.0.1:{each.server_address[1]}" for each in servers)
    for each in servers:
        threading.Thread(target=each.serve_forever, args=(LOOK_SECONDS,), daemon=True).start()
    try:
        yield hub
    finally:
        for each in servers:
            each.shutdown()
            each.server_close()
