"""The doctor's look at a bucket: a good server, and servers that only look like one."""

import email.utils
import hashlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from stillmotion.composition.doctor.machine import storage
from stillmotion.config import load


class _AlmostS3(BaseHTTPRequestHandler):
    """An S3 server that keeps objects, and does not do what its `lacks` names."""

    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        body, objects = self.rfile.read(int(self.headers["Content-Length"])), self.server.objects
        name = urlsplit(self.path).path
        if name in objects and "If-None-Match" in self.headers and self.server.lacks != "conditions":
            self._answer(412, b"", body)
            return
        objects[name] = body
        self._answer(200, b"", body)

    def do_GET(self):
        content = self.server.objects[urlsplit(self.path).path]
        if self.server.lacks == "bytes":
            content = bytes(len(content))
        start, end = (self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").split("-")
        part = content[int(start) : int(end or len(content)) + 1]
        if "Range" not in self.headers or self.server.lacks == "ranges":
            self._answer(200, part, content)
        else:
            self._answer(206, part, content, ("Content-Range", f"bytes {start}-{end}/{len(content)}"))

    def do_POST(self):
        """Delete the objects that the body names."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        keys = re.findall("<Key>(.*?)</Key>", body)
        for key in keys:
            self.server.objects.pop(f"/clips/{key}")
        told = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
        self._answer(200, f"<DeleteResult>{told}</DeleteResult>".encode(), b"")

    def _answer(self, status, body, whole, *headers):
        self.send_response(status)
        tag = f'"{hashlib.md5(whole, usedforsecurity=False).hexdigest()}"'
        always = (
            ("ETag", tag),
            ("Last-Modified", email.utils.formatdate(usegmt=True)),
            ("Content-Length", str(len(body))),
        )
        for name, value in (*always, *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Suppress the log."""


@pytest.fixture
def almost_s3():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _AlmostS3)
    server.objects, server.lacks = {}, ""
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def found(tmp_path, place, options):
    words = ",".join(f"{name}={value}" for name, value in options.items())
    given = {"STILLMOTION_STORAGE": f"s3://{place}", "STILLMOTION_STORAGE_OPTIONS": words}
    return storage(load(given | {"STILLMOTION_DATA_DIR": str(tmp_path)})[0])


def test_real_servers_are_well(seaweedfs, moto, tmp_path):
    for server in (seaweedfs, moto):
        finding = found(tmp_path, server.new_place(), server.options)
        assert (finding.is_problem, "written and read back" in finding.said) == (False, True), finding


def test_a_bucket_that_is_not_there_and_wrong_credentials_are_told_apart(seaweedfs, moto, tmp_path):
    assert "there is no such bucket" in found(tmp_path, "no-bucket-of-ours", moto.options).said
    guessed = found(tmp_path, seaweedfs.new_place(), {**seaweedfs.options, "secret_access_key": "guessed"})
    assert "object storage refuses access with these credentials" in guessed.said
    assert "guessed" not in guessed.said


@pytest.mark.parametrize(
    ("lacks", "said"),
    [
        ("", "written and read back"),
        ("bytes", "gave back other bytes"),
        ("ranges", "does not give a part"),
        ("conditions", "writes over an object"),
    ],
)
def test_a_server_that_lacks_something_is_told(almost_s3, tmp_path, lacks, said):
    almost_s3.lacks = lacks
    endpoint = "http://{}:{}".format(*almost_s3.server_address)
    options = {"endpoint": endpoint, "region": "x", "access_key_id": "x", "secret_access_key": "x"}
    finding = found(tmp_path, "clips", options)
    assert said in finding.said
    assert finding.is_problem == bool(lacks)
    assert [name for name in almost_s3.objects if "doctor" in name] == []
