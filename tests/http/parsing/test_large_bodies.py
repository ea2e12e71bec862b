"""Large bodies: they must hold a picture as a data URI, in any spelling. Text must be UTF-8."""

import base64
import json

import pytest

from stillmotion.domain.file_types.pictures import MAX_PICTURE_BYTES
from tests.http.conftest import PICTURE_URL, SUBMIT
from tests.http.surfaces.test_clear_meaning import bearer, stored
from tests.http.surfaces.test_openai_fields import form

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 500
TEXT = base64.b64encode(JPEG).decode()
LINES = base64.encodebytes(JPEG).decode()


@pytest.mark.parametrize(
    "uri",
    [
        f"data:image/jpeg;base64,{TEXT}",
        f"data:;base64,{TEXT}",
        f"DATA:IMAGE/JPEG;BASE64,{TEXT}",
        f"data:application/octet-stream;base64,{TEXT}",
        f"data:image/jpeg;name=photo.jpg;base64,{TEXT}",
        f"data:image/jpeg;base64,{LINES}",
        f" \n data:image/jpeg;base64,{TEXT}",
    ],
    ids=["plain", "no type", "capitals", "octets", "name", "lines", "space"],
)
def test_a_large_body_with_a_picture_is_taken_however_it_is_written(caller, uri):
    gateway = caller.submit({"prompt": "leaning girl", "url": uri})
    body = {"prompt": "leaning girl", "keyframes": {"frame0": {"url": uri}}}
    dream = bearer(caller, "POST", "/dream-machine/v1/generations", body)
    video = bearer(caller, "POST", "/v1/videos", {"prompt": "leaning girl", "input_reference": {"image_url": uri}})
    for answered in (gateway, dream, video):
        assert stored(caller, answered).frame0.key is not None


@pytest.mark.parametrize("text", [TEXT, LINES, "iVBORw0KGgo" + "A" * 100_000], ids=["JPEG", "lines", "PNG"])
def test_a_large_body_with_bare_base64_is_told_what_it_lacks(caller, text):
    answered = caller.submit({"prompt": "leaning girl", "url": text})
    assert answered.status == 400
    assert answered.body["details"] == [
        {
            "field": "body",
            "message": "holds a picture in base64 without its beginning: write data:image/jpeg;base64,…",
        }
    ]


def test_another_large_body_is_refused(caller):
    answered = caller.submit({"prompt": "a" * 100_000, "url": PICTURE_URL})
    assert answered.body["details"] == [{"field": "body", "message": "must be no larger than 65536 bytes"}]


@pytest.mark.parametrize(
    "kind",
    [
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        'application/json; charset="utf-8"',
        "application/json; charset=us-ascii",
        "APPLICATION/JSON; Charset=Utf-8",
        "application/json; profile=x",
        "application/json;",
    ],
)
def test_json_in_utf_8_is_taken_whatever_else_its_type_says(caller, kind):
    assert caller.submit({"prompt": "leaning girl", "url": PICTURE_URL}, Content_Type=kind).status == 200


@pytest.mark.parametrize(
    "charset", ["utf-16", "UTF-16LE", "utf-32", "iso-8859-1", "latin1", "windows-1252", '"utf-16"', "utf-7", "x"]
)
def test_text_that_says_it_is_in_another_encoding_is_refused(caller, charset):
    kind = f"application/json; charset={charset}"
    answered = caller.submit({"prompt": "leaning girl", "url": PICTURE_URL}, Content_Type=kind)
    assert answered.status == 400
    assert answered.body["details"][0]["message"].startswith("must be sent in UTF-8")
    key = {"Authorization": f"Bearer {caller.issued.primary}"}
    form = '--b\r\nContent-Disposition: form-data; name="prompt"\r\n{}\r\nleaning\r\n--b--\r\n'
    whole = {"Content-Type": f"multipart/form-data; boundary=b; charset={charset}"}
    assert caller.edge.ask("POST", "/v1/videos", form.format(""), key | whole).status == 400
    part = form.format(f"Content-Type: text/plain; charset={charset}\r\n")
    refused = caller.edge.ask("POST", "/v1/videos", part, key | {"Content-Type": "multipart/form-data; boundary=b"})
    assert (refused.status, refused.body["error"]["param"]) == (400, "prompt")
    assert "UTF-8" in refused.body["error"]["message"]


def test_json_that_is_in_utf_16_is_refused_without_saying_so(caller):
    body = json.dumps({"prompt": "leaning girl", "url": PICTURE_URL}).encode("utf-16")
    assert caller.post(SUBMIT, body).status == 400


@pytest.mark.parametrize("field", ["input_reference", "input_reference[image_url]"])
def test_a_form_may_hold_the_largest_picture_as_text(caller, field):
    content = JPEG + bytes(MAX_PICTURE_BYTES - len(JPEG))
    uri = "data:image/jpeg;name=photo.jpg;base64,\r\n" + base64.encodebytes(content).decode().replace("\n", "\r\n")
    answered = form(caller, file=None, **{field: uri})
    taken = stored(caller, answered).frame0
    assert taken.key is not None
    assert caller.edge.run(caller.edge.objects.find(taken.key)).size == MAX_PICTURE_BYTES


def test_other_text_of_a_form_is_no_longer_for_it(caller):
    refused = form(caller, prompt="a" * 70_000)
    assert refused.body["error"]["message"].startswith("prompt: makes the text of the form longer than 65536 bytes")
    refused = form(caller, file=None, input_reference="data:" + "a" * (29 << 20))
    assert refused.status == 400
