"""The gateway's requests: fields beyond the founding document, and the messages for invalid ones."""

import base64
import json

import pytest

from tests.http.conftest import PICTURE_URL

INVALID = "Invalid request parameters"
PNG = b"\x89PNG\r\n\x1a\n" + b"rest of a picture"
GOOD = {"prompt": "leaning girl", "url": PICTURE_URL}


def data_uri(content: bytes = PNG, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def stored(caller, answered):
    return caller.edge.run(caller.edge.store.find(answered.body["id"])).request


def refused_fields(answered):
    assert answered.status == 400
    assert answered.body["error"] == INVALID
    assert list(answered.body) == ["error", "details"]
    assert all(list(detail) == ["field", "message"] for detail in answered.body["details"])
    return [detail["field"] for detail in answered.body["details"]]


def test_everything_that_can_be_asked_is_kept_and_echoed(caller):
    asked = {
        "aspect_ratio": "9:16",
        "loop": True,
        "end_url": PICTURE_URL + "?end",
        "callback_url": "https://example.com/callback",
        "model": "ray-2",
        "duration": "9s",
        "resolution": "1080p",
        "seed": 7,
    }
    answered = caller.submit(GOOD | asked)
    assert answered.status == 200
    echo = answered.body["request"]
    assert (echo["aspect_ratio"], echo["loop"], echo["callback_url"]) == ("9:16", True, asked["callback_url"])
    assert echo["keyframes"]["frame1"] == {"type": "image", "url": asked["end_url"]}
    assert answered.body["model"] == "ray-2"
    kept = stored(caller, answered)
    assert (kept.seconds, kept.resolution, kept.seed) == (9.0, "1080p", 7)


def test_what_is_null_is_left_out(caller):
    names = ["aspect_ratio", "loop", "end_url", "callback_url", "model", "duration", "resolution", "seed"]
    answered = caller.submit(GOOD | dict.fromkeys(names))
    assert answered.status == 200
    assert answered.body["model"] == "ray-1-6"
    assert stored(caller, answered).aspect_ratio is None
    assert answered.body["request"]["aspect_ratio"] == "16:9"


@pytest.mark.parametrize("duration", ["5s", "5", 5, 5.0, "5.0s", " 5s "])
def test_a_duration_is_a_number_of_seconds_however_it_is_written(caller, duration):
    assert stored(caller, caller.submit(GOOD | {"duration": duration})).seconds == 5.0


@pytest.mark.parametrize("duration", ["5 s", "s", "", "five", "-5", "1e1", 0, 13, -1, True, [5], "٥", "99999s"])
def test_another_duration_is_refused(caller, duration):
    assert refused_fields(caller.submit(GOOD | {"duration": duration})) == ["duration"]


@pytest.mark.parametrize(("seed", "kept"), [(5, 5), (5.0, 5), (0, 0), (2**63 - 1, 2**63 - 1)])
def test_a_seed_is_a_whole_number(caller, seed, kept):
    assert stored(caller, caller.submit(GOOD | {"seed": seed})).seed == kept


@pytest.mark.parametrize("seed", [-1, 5.5, "5", True, 2**63, 1e300])
def test_another_seed_is_refused(caller, seed):
    assert refused_fields(caller.submit(GOOD | {"seed": seed})) == ["seed"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("aspect_ratio", "1000000:1"),
        ("aspect_ratio", "16:10"),
        ("resolution", "720"),
        ("loop", "false"),
        ("loop", 1),
        ("prompt", None),
        ("prompt", "   "),
        ("url", ""),
        ("url", "ftp://example.com/x.png"),
        ("url", "http://127.0.0.1/x.png"),
        ("url", "http://example.com/" + "x" * 9000),
        ("end_url", "not a url"),
        ("callback_url", "http://10.0.0.1/"),
        ("callback_url", data_uri()),
        ("model", "sora-9"),
        ("model", ""),
        ("surprise", 1),
        ("URL", PICTURE_URL),
        ("__proto__", {"a": 1}),
        ("state", "completed"),
    ],
)
def test_a_wrong_field_is_named_with_a_remedy(caller, field, value):
    answered = caller.submit(GOOD | {field: value})
    assert refused_fields(answered) == [field]
    assert len(answered.body["details"][0]["message"]) > 10


def test_all_that_is_wrong_is_said_at_once(caller):
    answered = caller.submit({"prompt": 1, "loop": "yes", "surprise": 1, "seed": "x"})
    assert refused_fields(answered) == ["prompt", "url", "loop", "seed", "surprise"]
    answered = caller.submit(GOOD | {"prompt": "", "duration": "x", "seed": 1.5, "url": "data:text/plain,hello"})
    assert sorted(refused_fields(answered)) == ["duration", "prompt", "seed", "url"]


def test_a_hundred_unknown_fields_are_not_all_listed(caller):
    answered = caller.submit(GOOD | {f"field{number}" + "x" * 500: 1 for number in range(100)})
    assert len(refused_fields(answered)) == 20
    assert max(map(len, refused_fields(answered))) == 100


def test_a_prompt_may_have_five_thousand_characters(caller):
    assert caller.submit(GOOD | {"prompt": "é" * 5000}).status == 200
    assert refused_fields(caller.submit(GOOD | {"prompt": "é" * 5001})) == ["prompt"]


def test_a_prompt_comes_back_exactly(caller):
    prompt = "  spaces, \t tabs, 👨‍👩‍👧‍👦, \u0085 and </script>  "
    submitted = caller.submit(GOOD | {"prompt": prompt})
    assert caller.poll(submitted.body["id"]).body["request"]["prompt"] == prompt


@pytest.mark.parametrize(
    "content",
    [
        PNG,
        b"\xff\xd8\xff\xe0 jpeg",
        b"GIF89a gif",
        b"RIFF\0\0\0\0WEBPVP8 ",
        b"\0\0\0\x1cftypavif\0\0\0\0",
        b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf",
        b"II*\0tiff",
        b"MM\0*tiff",
    ],
)
def test_a_picture_may_come_with_the_request(caller, content):
    answered = caller.submit({"prompt": "x", "url": data_uri(content), "end_url": data_uri(content, "x-any")})
    assert answered.status == 200
    kept = stored(caller, answered).frame0
    assert kept.key is not None
    shown = answered.body["request"]["keyframes"]["frame0"]
    assert shown["type"] == "image"
    path = shown["url"].removeprefix(caller.edge.server.url)
    assert caller.edge.ask("GET", path).content == content


@pytest.mark.parametrize(
    "address",
    [
        "data:image/png;base64,",
        "data:image/png;base64,!!!!",
        "data:image/png;base64,aGVsbG8=",
        "data:image/png;base64,iVBORw0KG",
        "data:image/png,hello",
        "data:text/html;base64,aGVsbG8=",
        "data:image/svg+xml;base64,PHN2Zy8+",
        "data:" + "image/png;base64," * 3,
    ],
)
def test_what_is_no_picture_is_refused(caller, address):
    assert refused_fields(caller.submit({"prompt": "x", "url": address})) == ["url"]


def test_a_large_picture_is_taken_and_a_larger_one_refused(caller):
    exact = data_uri(PNG + b"\0" * (20 * 1024 * 1024 - len(PNG)))
    assert caller.submit({"prompt": "x", "url": exact}).status == 200
    assert refused_fields(caller.submit({"prompt": "x", "url": data_uri(PNG + b"\0" * (20 * 1024 * 1024))})) == ["url"]


def test_slashes_may_be_escaped_as_php_does(caller):
    body = json.dumps({"url": data_uri(PNG + bytes(100_000)), "prompt": "x"}).replace("/", "\\/").encode()
    assert caller.submit(body).status == 200


def test_a_large_body_without_a_picture_is_refused_unread(caller):
    for body in (b'{"prompt": "' + b"x" * 70_000, b"[" * 70_000, b"{" + b" " * 70_000):
        answered = caller.submit(body)
        assert refused_fields(answered) == ["body"]
        assert answered.headers["connection"] == "close"


def test_a_poll_takes_no_picture(caller):
    body = json.dumps({"task_id": data_uri(bytes(100_000))}).encode()
    assert caller.post("/lumalabs-ai-polling/v1/getStatus", body).status == 400


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON", ""])
def test_json_may_be_called_so_or_not_at_all(caller, kind):
    assert caller.submit(Content_Type=kind).status == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml", "multipart/x"])
def test_json_must_not_be_called_something_else(caller, kind):
    assert refused_fields(caller.submit(Content_Type=kind)) == ["body"]


def test_a_compressed_body_is_not_inflated(caller):
    assert refused_fields(caller.submit(b"\x1f\x8b", Content_Encoding="gzip")) == ["body"]
    assert caller.submit(Content_Encoding="identity").status == 200
