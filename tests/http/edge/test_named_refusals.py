"""Unreadable files: they are refused at submit by the name of their type, in the terms of the surface."""

import base64
from pathlib import Path

import pytest

from tests.http.parsing.test_uploads import form, upload

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)
DNG = (Path(__file__).parents[2] / "media" / "field" / "dng-thumbnail-first.dng").read_bytes()
JPEG_XL = b"\xff\x0a" + bytes(100)


@pytest.fixture(scope="module")
def without_heif(start):
    """A server whose decoders lack the extra `heif`."""
    edge = start()
    object.__setattr__(edge.services.uploads, "reads_heic", False)
    return edge


@pytest.fixture
def caller(without_heif):
    return without_heif.caller()


def data_uri(content):
    return f"data:image/heic;base64,{base64.b64encode(content).decode()}"


@pytest.mark.parametrize(
    ("content", "named"),
    [(HEIC, "a HEIC image"), (DNG, "a raw photograph (DNG)"), (JPEG_XL, "a JPEG XL image")],
    ids=["heic", "dng", "jpeg-xl"],
)
def test_every_surface_refuses_it_at_once_in_its_own_words(caller, content, named):
    key = {"Authorization": f"Bearer {caller.issued.primary}"}
    gateway = caller.submit({"prompt": "push in", "url": data_uri(content)})
    assert gateway.status == 400
    assert gateway.body["details"][0]["field"] == "url"
    assert named in gateway.body["details"][0]["message"]

    keyframes = {"frame0": {"type": "image", "url": data_uri(content)}}
    video = {"prompt": "push in", "keyframes": keyframes}
    dream_machine = caller.post("/dream-machine/v1/generations/video", video, **key)
    assert dream_machine.status == 400
    assert named in dream_machine.body["detail"]

    openai = caller.post("/v1/videos", {"prompt": "push in", "input_reference": data_uri(content)}, **key)
    assert openai.status == 400
    assert openai.body["error"]["param"] == "input_reference"
    assert named in openai.body["error"]["message"]

    body, header = form(("input_reference", content))
    prompt = b'\r\nContent-Disposition: form-data; name="prompt"\r\n\r\npush in\r\n'
    boundary = body.split(b"\r\n", 1)[0]
    sent = caller.edge.ask("POST", "/v1/videos", boundary + prompt + body, header | key)
    assert sent.status == 400
    assert named in sent.body["error"]["message"]

    uploaded = upload(caller, content)
    assert uploaded.status == 400
    assert named in str(uploaded.body)


def test_where_the_extra_is_installed_it_is_taken(edge):
    caller = edge.caller()
    assert caller.submit({"prompt": "push in", "url": data_uri(HEIC)}).status == 200
    assert upload(caller, HEIC).status == 201
