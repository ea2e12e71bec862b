"""Downloads of our own client: complete or absent, and never over another file."""

import hashlib

import pytest

from stillmotion import client
from tests.clients.contract_server import Answer
from tests.clients.our_client import ID, ONE, VIDEO, body, completed_at, connect, server

__all__ = ["connect", "server"]
CLIENT, VERSION = "stillmotion (Python)", "of this version"


@pytest.mark.methods("download")
def test_a_download_goes_on_where_it_broke_off_and_tells_no_key(server, connect, tmp_path):
    completed_at(server)
    clip, tag = bytes(range(256)) * 1000, {"ETag": '"1"'}
    rest = {**tag, "Content-Range": f"bytes 100000-255999/{len(clip)}"}
    server.on("GET", "/clip", Answer(200, clip[:100_000], tag, len(clip)), Answer(206, clip[100_000:], rest))
    connect(server.base).download(ID, tmp_path / "clip.mp4")
    assert hashlib.sha256((tmp_path / "clip.mp4").read_bytes()).digest() == hashlib.sha256(clip).digest()
    first, second = (each.headers for each in server.asked if each.path == "/clip")
    assert "authorization" not in first
    assert (second["range"], second["if-range"]) == ("bytes=100000-", '"1"')


@pytest.mark.methods("download")
def test_a_clip_that_changed_meanwhile_is_begun_again(server, connect, tmp_path):
    completed_at(server)
    server.on("GET", "/clip", Answer(200, b"old", {"ETag": '"1"'}, 10), Answer(200, b"new one", {"ETag": '"2"'}))
    assert connect(server.base).download(ID, tmp_path / "clip.mp4").read_bytes() == b"new one"


@pytest.mark.methods("download")
def test_an_address_that_has_expired_is_asked_for_anew(server, connect, tmp_path):
    completed_at(server)
    server.on("GET", "/clip", Answer(403), Answer(200, b"clip"))
    assert connect(server.base).download(ID, tmp_path / "clip.mp4").read_bytes() == b"clip"


@pytest.mark.methods("download")
def test_a_download_that_fails_leaves_nothing_and_harms_nothing(server, connect, tmp_path):
    completed_at(server)
    (tmp_path / "clip.mp4").write_bytes(b"mine")
    server.on("GET", "/clip", Answer(200, b"half", length=8))
    with pytest.raises(client.NoAnswer):
        connect(server.base, retries=1).download(ID, tmp_path / "clip.mp4", overwrite=True)
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"mine"]


@pytest.mark.methods("download")
def test_a_download_overwrites_nothing_that_was_not_named_twice(server, connect, tmp_path):
    completed_at(server)
    server.on("GET", "/clip", Answer(200, b"clip"))
    ours, place = connect(server.base), tmp_path / "clip.mp4"
    assert ours.download(ID, place) == place
    place.write_bytes(b"mine")
    with pytest.raises(
        client.FileRefused, match=r"is there already: overwrite=True replaces it, or give another path\."
    ):
        ours.download(ID, place)
    assert place.read_bytes() == b"mine"
    assert ours.download(ID, place, overwrite=True).read_bytes() == b"clip"
    assert ours.download(ID, f"{tmp_path}/clips/") == tmp_path / "clips" / f"{ID}.mp4"
    with pytest.raises(client.FileRefused, match=r"a clip is an MP4, so its name ends in \.mp4"):
        ours.download(ID, tmp_path / "photo.jpg")
    with pytest.raises(client.FileUnwritable, match="No space left on device"):
        ours.download(ID, "/dev/full")


@pytest.mark.methods("generate", "download")
def test_the_picture_that_was_sent_is_never_written_over(server, connect, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8photo")
    (tmp_path / "end.mp4").write_bytes(b"\xff\xd8end")
    (tmp_path / "link.mp4").symlink_to("photo.jpg")
    completed_at(server)
    server.on("GET", "/clip", Answer(200, b"clip"))
    server.on("POST", "/uploads", Answer(201, {"id": "1", "url": server.base + "/assets/uploads/1", "expires_at": "x"}))
    server.on("POST", VIDEO, Answer(201, body()))
    ours = connect(server.base)
    made = ours.generate("photo.jpg", "a lake", end_image=tmp_path / "end.mp4")
    for named in ("link.mp4", "end.mp4"):
        with pytest.raises(client.FileRefused, match="is what is read"):
            ours.download(made, named, overwrite=True)
    assert [(tmp_path / each).read_bytes() for each in ("photo.jpg", "end.mp4")] == [b"\xff\xd8photo", b"\xff\xd8end"]


@pytest.mark.methods("download")
def test_a_server_s_word_is_not_taken_for_where_to_write(server, connect, tmp_path):
    escaping = {
        "id": "../../escaped",
        "state": "completed",
        "model": "ray-2",
        "assets": {"video": server.base + "/clip"},
    }
    server.on("GET", ONE, Answer(200, escaping))
    server.on("GET", "/clip", Answer(200, b"clip"))
    assert connect(server.base).download(ID, f"{tmp_path}/a/b/") == tmp_path / "a/b/clip.mp4"


@pytest.mark.methods("download")
def test_the_address_of_a_file_that_does_not_answer_is_the_one_that_is_named(server, connect, tmp_path):
    server.on("GET", ONE, Answer(200, body("completed", assets={"video": "http://127.0.0.1:9/clip", "image": None})))
    with pytest.raises(client.NoAnswer, match=r"^Nothing answers at http://127\.0\.0\.1:9 \(.*public_url"):
        connect(server.base, retries=0).download(ID, tmp_path / "clip.mp4")
