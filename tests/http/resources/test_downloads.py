"""Downloads: signed URLs, Range, HEAD, and headers for browsers."""

import asyncio
import http.client
import socket
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from stillmotion.application.download_urls import AssetUrls
from stillmotion.application.ports.objects import StoredObject
from tests.builders import NOON
from tests.http.conftest import SIGNING_KEY, Edge
from tests.waiting import eventually

VIDEO = bytes(range(256)) * 2000
SIZE = len(VIDEO)


@pytest.fixture(scope="module")
def finished(edge: Edge):
    """A caller's finished generation."""
    caller = edge.caller()
    task_id = caller.submit().body["id"]
    caller.complete(task_id, VIDEO, b"\xff\xd8\xff thumbnail")
    return caller, task_id


@pytest.fixture(scope="module")
def paths(edge, finished):
    caller, task_id = finished
    assets = caller.poll(task_id).body["assets"]
    return {name: url.removeprefix(edge.server.url) for name, url in assets.items()}


@pytest.fixture(scope="module")
def video(paths):
    return paths["video"]


def test_the_addresses_begin_where_the_caller_asked(edge, finished):
    caller, task_id = finished
    for host, base in {
        "video.example": "http://video.example",
        "video.example:8443": "http://video.example:8443",
        "[::1]:80": "http://[::1]:80",
        "bad host<>": edge.server.url,
        "a" * 300: edge.server.url,
    }.items():
        assert caller.poll(task_id, Host=host).body["assets"]["video"].startswith(base + "/assets/generations/")


def test_the_operators_address_wins(start, finished):
    caller, task_id = finished
    public = start(
        access=caller.edge.services.access,
        generations=caller.edge.services.generations,
        public_url="https://video.example/",
    )
    url = type(caller)(public, caller.issued).poll(task_id).body["assets"]["video"]
    assert url.startswith("https://video.example/assets/")


def test_a_video_is_had_whole_with_no_key(edge, video, finished):
    answered = edge.ask("GET", video)
    assert (answered.status, answered.content) == (200, VIDEO)
    expected = {
        "content-type": "video/mp4",
        "content-length": str(SIZE),
        "accept-ranges": "bytes",
        "cache-control": "private, max-age=3600",
        "x-content-type-options": "nosniff",
        "content-disposition": f'inline; filename="{finished[1]}.mp4"',
        "access-control-allow-origin": "*",
    }
    assert expected.items() <= answered.headers.items()
    assert answered.headers["x-request-id"]


def test_a_thumbnail_is_a_jpeg(edge, paths):
    answered = edge.ask("GET", paths["image"])
    assert answered.headers["content-type"] == "image/jpeg"
    assert answered.content == b"\xff\xd8\xff thumbnail"


def test_head_says_the_same_without_the_bytes(edge, video):
    whole, head = edge.ask("GET", video), edge.ask("HEAD", video, headers={"Range": "bytes=0-9"})
    assert (head.status, head.content) == (200, b"")
    different = {"date", "x-request-id"}
    assert {k: v for k, v in head.headers.items() if k not in different} == {
        k: v for k, v in whole.headers.items() if k not in different
    }


@pytest.mark.parametrize(
    ("asked", "first", "after"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=-1", SIZE - 1, SIZE),
        ("bytes=0-", 0, SIZE),
        ("bytes=100-199", 100, 200),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE),
        ("bytes=0-999999999999999999999", 0, SIZE),
        (f"bytes=-{SIZE * 2}", 0, SIZE),
        ("BYTES= 5-6 ", 5, 7),
    ],
)
def test_one_range_is_a_part(edge, video, asked, first, after):
    answered = edge.ask("GET", video, headers={"Range": asked})
    assert (answered.status, answered.content) == (206, VIDEO[first:after])
    assert answered.headers["content-range"] == f"bytes {first}-{after - 1}/{SIZE}"
    assert answered.headers["content-length"] == str(after - first)


@pytest.mark.parametrize(
    "asked",
    [
        "items=0-1",
        "bytes=0-0,1-1",
        "bytes=5-4",
        "bytes=-",
        "bytes=x",
        "bytes=0-1-2",
        "bytes=" + "9" * 40 + "-",
        "bytes",
    ],
)
def test_any_other_range_is_the_whole(edge, video, asked):
    answered = edge.ask("GET", video, headers={"Range": asked})
    assert (answered.status, len(answered.content)) == (200, SIZE)


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", "bytes=-0", f"bytes={SIZE * 2}-{SIZE * 3}"])
def test_a_range_beyond_the_end_cannot_be_had(edge, video, asked):
    answered = edge.ask("GET", video, headers={"Range": asked})
    assert answered.status == 416
    assert answered.headers["content-range"] == f"bytes */{SIZE}"


def test_a_range_holds_for_the_version_it_was_asked_for(edge, video):
    headers = edge.ask("HEAD", video).headers
    for known in (headers["etag"], headers["last-modified"]):
        assert edge.ask("GET", video, headers={"Range": "bytes=0-9", "If-Range": known}).status == 206
    for other in ('"old"', f"W/{headers['etag']}", "Thu, 01 Jan 1970 00:00:00 GMT"):
        answered = edge.ask("GET", video, headers={"Range": "bytes=0-9", "If-Range": other})
        assert (answered.status, len(answered.content)) == (200, SIZE)


def test_what_the_caller_has_is_not_sent_again(edge, video):
    headers = edge.ask("HEAD", video).headers
    etag = headers["etag"]
    assert etag[0] == etag[-1] == '"'
    for condition in (etag, f'"other", W/{etag}', "*"):
        answered = edge.ask("GET", video, headers={"If-None-Match": condition})
        assert (answered.status, answered.content) == (304, b"")
        assert answered.headers["etag"] == etag
    assert edge.ask("GET", video, headers={"If-Modified-Since": headers["last-modified"]}).status == 304
    assert edge.ask("GET", video, headers={"If-None-Match": '"other"'}).status == 200


@pytest.mark.parametrize("place", [0, SIZE // 2, SIZE - 1])
@pytest.mark.parametrize("asked", [{}, {"Range": "bytes=0-"}])
def test_a_download_of_what_storage_has_damaged_breaks_off(edge, caller, place, asked):
    task_id = caller.submit().body["id"]
    key = caller.complete(task_id, VIDEO).video.key
    damaged = VIDEO[:place] + bytes([VIDEO[place] ^ 1]) + VIDEO[place + 1 :]
    edge.run(edge.objects.put(key, damaged))
    path = caller.poll(task_id).body["assets"]["video"].removeprefix(edge.server.url)
    with pytest.raises(http.client.IncompleteRead) as broken:
        edge.ask("GET", path, headers=asked)
    assert len(broken.value.partial) < SIZE
    content = f"/v1/videos/{task_id}/content"
    with pytest.raises(http.client.IncompleteRead):
        edge.ask("GET", content, headers=asked | {"Authorization": f"Bearer {caller.issued.primary}"})
    assert edge.ask("GET", path, headers={"Range": "bytes=1-9"}).content == damaged[1:10]


def test_an_asset_that_somebody_deleted_is_not_found_and_the_other_is(edge, caller):
    task_id = caller.submit().body["id"]
    edge.run(edge.objects.delete(caller.complete(task_id).video.key))
    assets = {name: url.removeprefix(edge.server.url) for name, url in caller.poll(task_id).body["assets"].items()}
    assert edge.ask("GET", assets["video"]).status == 404
    assert edge.ask("GET", assets["image"]).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_an_asset_can_only_be_read(edge, video, method):
    answered = edge.ask(method, video)
    assert (answered.status, answered.headers["allow"]) == (405, "GET, HEAD")


def altered(path, **query):
    split = urlsplit(path)
    values = {name: value for name, (value,) in parse_qs(split.query).items()} | query
    return split.path + "?" + "&".join(f"{name}={value}" for name, value in values.items() if value is not None)


def test_an_address_that_we_did_not_make_is_nothing(edge, video):
    split = urlsplit(video)
    signature = parse_qs(split.query)["signature"][0]
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]
    wrong = [
        split.path,
        altered(video, signature=flipped),
        altered(video, signature=None),
        altered(video, signature=""),
        altered(video, expires=None),
        altered(video, expires="NaN"),
        altered(video, expires="-1"),
        altered(video, expires="%D9%A3"),
        altered(video, expires="9" * 4000),
        altered(video, expires="9999999999"),
        f"{video}&signature={signature}",
        f"{video}&" + "&".join("a=b" for _ in range(50)),
        video.replace("/generations/", "/inputs/"),
        f"{split.path}/?{split.query}",
        video.replace(".mp4", ".MP4"),
    ]
    nothing = edge.ask("GET", "/assets/none").content
    for path in wrong:
        answered = edge.ask("GET", path)
        assert (answered.status, answered.content) == (404, nothing), path


def test_an_expired_address_says_so(edge, video):
    class Earlier:
        def now(self):
            return edge.clock.now() - timedelta(days=3)

        def monotonic(self):
            return edge.clock.monotonic()

    key = urlsplit(video).path.removeprefix("/assets/")
    expired = AssetUrls(edge.objects, Earlier(), SIGNING_KEY).links("")(key)
    answered = edge.ask("GET", expired)
    assert answered.status == 404
    assert "expired" in answered.body["error"]


def test_a_signed_address_of_nothing_is_nothing(edge):
    path = edge.services.asset_urls.links("")("generations/none/none.mp4")
    assert edge.ask("GET", path).status == 404


def test_what_a_stranger_sent_is_only_shown_as_the_picture_it_is(edge):
    for content, kind, shown in [
        (b"\x89PNG\r\n\x1a\n picture", "image/png", "inline"),
        (b"<script>alert(1)</script>", "application/octet-stream", "attachment"),
        (b"", "application/octet-stream", "attachment"),
    ]:
        key = f"inputs/{edge.services.generations.new_id()}/{edge.services.generations.new_token()}"
        edge.run(edge.objects.put(key, content))
        answered = edge.ask("GET", edge.services.asset_urls.links("")(key))
        assert (answered.status, answered.content) == (200, content)
        assert answered.headers["content-type"] == kind
        assert answered.headers["content-disposition"].startswith(shown)


def test_a_preview_that_is_replaced_meanwhile_is_sent_whole(edge):
    key = "generations/0193b1d2-6f5e-7c31-9d2a-5b0c7f3e8a44/preview.jpg"
    forms = [b"\xff\xd8\xff" + bytes([form]) * (2000 + 3000 * form) for form in range(3)]
    edge.run(edge.objects.put(key, forms[0]))
    address = edge.services.asset_urls.links(edge.server.url)(key).removeprefix(edge.server.url)

    async def replace():
        for turn in range(100):
            await edge.objects.put(key, forms[turn % 3])

    replacing = asyncio.run_coroutine_threadsafe(replace(), edge.loop)
    while not replacing.done():
        answered = edge.ask("GET", address)
        assert (answered.status, answered.headers["content-type"]) == (200, "image/jpeg")
        assert answered.content in forms
    replacing.result()
    part = edge.ask("GET", address, headers={"Range": "bytes=1-2"})
    assert (part.status, part.content) == (206, b"\xd8\xff")


class CountingObjects:
    """An endless object that counts the bytes that are read."""

    def __init__(self):
        self.pieces, self.has_ended = 0, False

    async def find(self, key):
        return StoredObject(10**12, "endless", NOON)

    async def read(self, key, start, end):
        try:
            while True:
                self.pieces += 1
                yield bytes(100_000)
                await asyncio.sleep(0)
        finally:
            self.has_ended = True

    def direct_url(self, key, lifetime):
        return None


def test_nothing_is_read_for_somebody_who_hung_up(start, edge):
    endless = CountingObjects()
    other = start(objects=endless)
    path = other.services.asset_urls.links("")("generations/a/b.mp4")
    with socket.create_connection(other.address, timeout=20) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        connection.recv(1000)
    eventually(lambda: endless.has_ended)
    assert endless.pieces > 0
