"""Requests of n8n: its OpenAI node's "Generate a Video", its credential test, and the forms of its HTTP Request node.

The bytes are those of its own libraries: `form-data` for Node names the boundary and writes the parts so, and axios
sends them.
"""

import http.client
import json

import pytest

from stillmotion.http.parsing.data_uri import read_data_uri
from tests.end_to_end.conftest import small_picture

CLIENT, VERSION = "n8n", "(what its nodes send)"
BOUNDARY = "--------------------------497650264381914210716543"
ACCEPT = "application/json,text/html,application/xhtml+xml,application/xml,text/*;q=0.9, image/*;q=0.8, */*;q=0.7"


def part(name, value, *more):
    head = "\r\n".join((f'Content-Disposition: form-data; name="{name}"', *more))
    return f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + value + b"\r\n"


def file_part(name, content, file="file.png", kind="image/png"):
    head = f'Content-Disposition: form-data; name="{name}"; filename="{file}"\r\nContent-Type: {kind}'
    return f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + content + b"\r\n"


def form(*parts):
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


@pytest.fixture
def picture():
    return read_data_uri(small_picture())


def ask(caller, method, path, body=None, **headers):
    given = {"Authorization": f"Bearer {caller.issued.primary}", "User-Agent": "axios/1.12.0", "Accept": ACCEPT}
    connection = http.client.HTTPConnection(*caller.edge.address, timeout=10)
    try:
        connection.request(
            method, path, body, given | {name.replace("_", "-"): value for name, value in headers.items()}
        )
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def create(caller, *parts):
    return ask(caller, "POST", "/v1/videos", form(*parts), Content_Type=f"multipart/form-data; boundary={BOUNDARY}")


@pytest.mark.methods("the OpenAI node: Generate a Video")
def test_the_openai_nodes_form_makes_a_video(caller, picture):
    fields = (part("model", b"sora-2"), part("prompt", b"push in"), part("seconds", b"4"), part("size", b"1280x720"))
    status, made = create(caller, *fields, file_part("input_reference", picture))
    assert (status, made["status"], made["size"]) == (200, "queued", "1280x720")
    status, seen = ask(caller, "GET", f"/v1/videos/{made['id']}")
    assert (status, seen["id"]) == (200, made["id"])


@pytest.mark.methods("the OpenAI credential's test")
def test_the_credential_is_found_good(caller):
    status, models = ask(caller, "GET", "/v1/models")
    assert (status, models["object"]) == (200, "list")
    assert "sora-2" in [each["id"] for each in models["data"]]


@pytest.mark.methods("the HTTP Request node: a form with a binary file")
@pytest.mark.parametrize("kind", ["image/png", "application/octet-stream"])
def test_the_http_request_nodes_form_makes_a_video(caller, picture, kind):
    """Binary data of an earlier node: the content type is that node's, and the file may have any name."""
    fields = (part("prompt", b"push in"), part("model", b"sora-2"))
    status, made = create(caller, file_part("input_reference", picture, "Foto von Zuhause (1).png", kind), *fields)
    assert (status, made["status"]) == (200, "queued")


@pytest.mark.methods("the HTTP Request node: JSON")
def test_the_http_request_nodes_json_makes_a_video(caller):
    body = json.dumps({"prompt": "push in", "model": "sora-2", "input_reference": {"image_url": small_picture()}})
    status, made = ask(caller, "POST", "/v1/videos", body.encode(), Content_Type="application/json")
    assert (status, made["status"]) == (200, "queued")
