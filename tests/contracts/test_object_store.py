"""`ObjectStore`: pictures and clips, in a directory and in a bucket of an S3 server."""

import asyncio
import hashlib
import os
import time
import urllib.request
from contextlib import closing
from datetime import UTC, datetime, timedelta
from urllib.error import HTTPError
from urllib.parse import urlsplit

import pytest

from stillmotion.adapters.objects import (
    PIECE_BYTES,
    StorageUnusable,
    is_key,
    open_objects,
)
from stillmotion.domain.assets import PREVIEW_SUFFIX
from stillmotion.domain.errors import Unavailable
from tests.faults.toxic import Toxic
from tests.s3_servers import S3_KEYS, bucket, new_bucket, objects, s3, s3_options
from tests.waiting import eventually_async

__all__ = ["bucket", "new_bucket", "objects", "s3", "s3_options"]

VIDEO = "generations/0199-x/abc_DEF-9.mp4"
NO_KEYS = [
    "",
    "/",
    "/etc/passwd",
    "../secret",
    "a/../b",
    "a/..",
    "./a",
    "a//b",
    "a/",
    "a b",
    "a%2e",
    "a\\b",
    "a\n",
    "é",
]


async def content(objects, key, start=0, end=1 << 40):
    return b"".join([piece async for piece in objects.read(key, start, end)])


async def test_what_was_put_is_found_and_read_as_it_was(objects):
    clip = os.urandom(3 * PIECE_BYTES + 5)
    await objects.put(VIDEO, clip)
    found = await objects.find(VIDEO)
    assert found.size == len(clip)
    assert found.etag.startswith('"')
    assert abs(datetime.now(UTC) - found.modified_at) < timedelta(minutes=1)
    assert await content(objects, VIDEO, 0, found.size) == clip


async def test_any_part_can_be_read(objects):
    clip = os.urandom(2 * PIECE_BYTES)
    await objects.put(VIDEO, clip)
    for start, end in ((0, 1), (10, 11), (5, PIECE_BYTES + 7), (len(clip) - 3, len(clip)), (7, 7)):
        assert await content(objects, VIDEO, start, end) == clip[start:end]


async def test_a_long_object_comes_in_pieces_of_a_bounded_size(objects):
    await objects.put(VIDEO, bytes(1_000_000))
    sizes = [len(piece) async for piece in objects.read(VIDEO, 0, 1_000_000)]
    assert sum(sizes) == 1_000_000
    assert len(sizes) > 1
    assert max(sizes) <= 4 * PIECE_BYTES


async def test_a_file_is_put_and_fetched_whole(objects, tmp_path):
    """The file is uploaded in parts, as it is beyond 5 MB."""
    made = tmp_path / "made.mp4"
    made.write_bytes(os.urandom(20_000_000))
    await objects.put_file(VIDEO, str(made))
    await objects.fetch_file(VIDEO, str(tmp_path / "fetched.mp4"))
    digests = {hashlib.sha256((tmp_path / name).read_bytes()).digest() for name in ("made.mp4", "fetched.mp4")}
    assert len(digests) == 1
    assert made.exists()


async def test_an_object_put_again_is_another(objects):
    await objects.put(VIDEO, b"first")
    first = await objects.find(VIDEO)
    await objects.put(VIDEO, b"second")
    second = await objects.find(VIDEO)
    assert await content(objects, VIDEO, 0, second.size) == b"second"
    assert first.etag != second.etag


async def test_of_several_that_create_an_object_one_succeeds(objects):
    held = await asyncio.gather(*(objects.create(VIDEO, b"%d" % number) for number in range(8)))
    assert set(held) == {await content(objects, VIDEO)}
    assert await objects.create(VIDEO, b"late") == held[0]
    with pytest.raises(ValueError, match="cannot name an object"):
        await objects.create("../secret", b"clip")


async def test_an_empty_object_is_an_object(objects):
    await objects.put(VIDEO, b"")
    assert (await objects.find(VIDEO)).size == 0


async def test_an_object_that_is_replaced_all_the_time_is_read_whole(objects):
    """Its size and its bytes are of one moment."""
    forms = [bytes([form]) * (1000 + 5000 * form) for form in range(3)]
    await objects.put(VIDEO, forms[0])

    async def replaced():
        for turn in range(60):
            await objects.put(VIDEO, forms[turn % 3])

    replacing = asyncio.create_task(replaced())
    while not replacing.done():
        facts, read = await objects.whole(VIDEO)
        assert read in forms
        assert facts.size == len(read)
    await replacing
    assert facts.etag
    await objects.delete(VIDEO)
    assert await objects.whole(VIDEO) is None
    assert await objects.whole("../secret") is None


async def test_what_is_deleted_is_gone_and_may_be_deleted_again(objects):
    await objects.put(VIDEO, b"clip")
    for _ in range(2):
        await objects.delete(VIDEO)
        assert await objects.find(VIDEO) is None


async def test_what_is_not_there_cannot_be_read(objects, tmp_path):
    with pytest.raises(KeyError):
        await content(objects, VIDEO, 0, 10)
    with pytest.raises(KeyError):
        await objects.fetch_file(VIDEO, str(tmp_path / "copy"))
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize("name", NO_KEYS)
async def test_a_name_that_is_no_key_names_nothing(objects, name, tmp_path):
    (tmp_path / "secret").write_bytes(b"of others")
    assert await objects.find(name) is None
    await objects.delete(name)
    with pytest.raises(KeyError):
        await content(objects, name)
    with pytest.raises(KeyError):
        await objects.fetch_file(name, str(tmp_path / "copy"))
    with pytest.raises(ValueError, match="cannot name an object"):
        await objects.put(name, b"clip")
    assert (tmp_path / "secret").read_bytes() == b"of others"


@pytest.mark.parametrize("key", ["a", "a.b", "a-_.Z9/b/c.mp4", "..a/b..", "x" * 512])
def test_a_plain_name_is_a_key(key):
    assert is_key(key)


@pytest.mark.parametrize("name", [*NO_KEYS, "x" * 513, "a\n", "...", "a/./b"])
def test_what_could_lead_elsewhere_is_no_key(name):
    assert not is_key(name)


async def listed(objects, folder):
    return [each async for found in objects.list(folder) for each in found]


async def test_a_folders_objects_are_listed_with_size_and_time(objects):
    keys = [f"generations/one/{number}.mp4" for number in range(3)]
    for key in [*keys, "generations/other/x.mp4", "generations/one-more", "inputs/one/x"]:
        await objects.put(key, b"clip")
    found = await listed(objects, "generations/one")
    assert sorted(each.key for each in found) == keys
    assert {each.size for each in found} == {4}
    assert all(abs(datetime.now(UTC) - each.modified_at) < timedelta(minutes=1) for each in found)
    assert len(await listed(objects, "generations")) == 5
    assert await listed(objects, "nothing") == []


async def test_a_file_that_is_no_object_of_ours_is_not_listed(tmp_path):
    objects = open_objects("local", tmp_path)
    await objects.put(VIDEO, b"clip")
    (tmp_path / "generations" / "a note.txt").write_bytes(b"of somebody")
    assert [each.key for each in await listed(objects, "generations")] == [VIDEO]


async def test_what_is_listed_may_be_deleted_meanwhile(objects):
    for number in range(20):
        await objects.put(f"generations/one/{number}", b"clip")
    for each in await listed(objects, "generations/one"):
        await objects.delete(each.key)
    assert await listed(objects, "generations") == []


async def test_an_object_is_moved_whole(objects):
    await objects.put(VIDEO, b"clip")
    await objects.move(VIDEO, f"quarantine/{VIDEO}")
    assert await objects.find(VIDEO) is None
    assert await content(objects, f"quarantine/{VIDEO}", 0, 4) == b"clip"
    await objects.move(VIDEO, "elsewhere")
    with pytest.raises(ValueError, match="cannot name an object"):
        await objects.move(f"quarantine/{VIDEO}", "../outside")


async def test_a_local_write_that_was_broken_off_is_swept_once_it_is_old(tmp_path):
    """A put leaves such a file if its process is killed before the rename."""
    objects = open_objects("local", tmp_path)
    await objects.put(VIDEO, b"clip")
    (tmp_path / f"{VIDEO}#1").write_bytes(b"cl")
    assert await listed(objects, "generations") != []
    now = datetime.now(UTC)
    assert await objects.sweep_unfinished(now - timedelta(hours=1)) == 0
    assert await objects.sweep_unfinished(now + timedelta(hours=1)) == 1
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [(tmp_path / VIDEO).name]


async def test_a_bucket_has_nothing_half_written_to_sweep(bucket):
    assert await bucket.sweep_unfinished(datetime.now(UTC)) == 0


async def test_a_store_that_can_be_written_to_is_fit(objects):
    await objects.check()


async def test_a_directory_has_no_address_of_its_own(tmp_path):
    assert open_objects("local", tmp_path).direct_url(VIDEO, timedelta(hours=1)) is None


async def test_a_bucket_serves_by_a_signed_url_with_the_right_type(bucket):
    """A `<video>` tag needs no header of its own, the content type, and ranges."""
    await bucket.put(VIDEO, b"0123456789")
    url = bucket.direct_url(VIDEO, timedelta(hours=1))
    status, headers, content = await asyncio.to_thread(_download, url, "bytes=2-4")
    assert (status, headers["Content-Type"], content) == (206, "video/mp4", b"234")


async def test_a_browser_may_keep_a_result_that_a_bucket_serves(bucket, tmp_path):
    (tmp_path / "made.mp4").write_bytes(b"clip")
    await bucket.put_file(VIDEO, str(tmp_path / "made.mp4"))
    _, headers, content = await asyncio.to_thread(_download, bucket.direct_url(VIDEO, timedelta(hours=1)))
    assert (headers["Content-Type"], headers["Cache-Control"], content) == (
        "video/mp4",
        "private, max-age=3600",
        b"clip",
    )


def _download(url, wanted="bytes=0-"):
    request = urllib.request.Request(url, headers={"Range": wanted})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.status, answer.headers, answer.read()


@pytest.mark.parametrize("spoilt", ["tampered", "of another key", "expired", "of another method"])
async def test_a_signed_url_opens_one_object_for_a_while(seaweedfs, tmp_path, spoilt):
    """The bucket's own promise: moto keeps none of it."""
    bucket = open_objects(f"s3://{seaweedfs.new_place()}", tmp_path, seaweedfs.options)
    for key in (VIDEO, "generations/another"):
        await bucket.put(key, b"clip")
    url = bucket.direct_url(VIDEO, timedelta(seconds=1 if spoilt == "expired" else 60))
    request = urllib.request.Request(url, method="PUT" if spoilt == "of another method" else "GET")
    match spoilt:
        case "tampered":
            request.full_url = url[:-1] + ("0" if url[-1] != "0" else "1")
        case "of another key":
            request.full_url = url.replace(VIDEO, "generations/another")
        case "expired":
            await eventually_async(lambda: _is_refused(request))
    assert await asyncio.to_thread(_is_refused, request)
    assert (await bucket.whole(VIDEO))[1] == b"clip"


def _is_refused(request):
    try:
        urllib.request.urlopen(request, timeout=10).close()
    except HTTPError as refusal:
        return refusal.code == 403
    return False


def test_a_signed_url_is_given_out_again(bucket):
    first = bucket.direct_url(VIDEO, timedelta(hours=24))
    assert bucket.direct_url(VIDEO, timedelta(hours=24)) is first
    assert bucket.direct_url(VIDEO, timedelta(hours=1)) != first


def test_a_previews_url_is_signed_each_time(bucket):
    """It is replaced under its key: another second has another URL."""
    preview = f"generations/0199-x/abc{PREVIEW_SUFFIX}"
    assert bucket.direct_url(preview, timedelta(hours=24)) is not bucket.direct_url(preview, timedelta(hours=24))


@pytest.mark.parametrize(
    ("storage", "options", "begins"),
    [
        (
            "az://clips/of",
            {"account_name": "house", "account_key": "a2V5"},
            "https://house.blob.core.windows.net/clips/of/",
        ),
        ("s3://clips/of", S3_KEYS, "https://s3.us-east-1.amazonaws.com/clips/of/"),
    ],
)
def test_the_scheme_says_whose_bucket_it_is(tmp_path, storage, options, begins):
    assert open_objects(storage, tmp_path, options).direct_url(VIDEO, timedelta(hours=1)).startswith(begins + VIDEO)


async def test_two_prefixes_of_a_bucket_are_two_stores(new_bucket, s3_options, tmp_path):
    one, other = (open_objects(f"s3://{new_bucket}/{prefix}", tmp_path, s3_options) for prefix in ("one", "other"))
    await one.put(VIDEO, b"clip")
    assert await other.find(VIDEO) is None
    whole = open_objects(f"s3://{new_bucket}", tmp_path, s3_options)
    assert (await whole.find(f"one/{VIDEO}")).size == 4


async def test_storage_that_is_down_is_unavailable(tmp_path):
    objects = open_objects("s3://bucket", tmp_path, S3_KEYS | {"endpoint": "http://127.0.0.1:9"})
    with pytest.raises(Unavailable):
        await objects.find(VIDEO)


async def test_a_bucket_that_is_not_there_is_unavailable(s3_options, tmp_path):
    objects = open_objects("s3://no-such-bucket", tmp_path, s3_options)
    with pytest.raises(Unavailable):
        await objects.check()


async def test_a_directory_that_cannot_be_written_to_is_unavailable(tmp_path):
    objects = open_objects("local", tmp_path / "objects")
    (tmp_path / "objects" / "generations").write_bytes(b"a file where a folder must be")
    with pytest.raises(Unavailable):
        await objects.put(VIDEO, b"clip")


async def test_a_local_put_leaves_nothing_but_the_object(tmp_path):
    await open_objects("local", tmp_path / "objects").put(VIDEO, b"clip")
    assert [path for path in (tmp_path / "objects").rglob("*") if path.is_file()] == [tmp_path / "objects" / VIDEO]


async def test_a_local_put_is_on_disk_before_it_returns(tmp_path, monkeypatch):
    """The file and every new folder above it are flushed."""
    flushed = []
    flush = os.fsync

    def recording(descriptor):
        flushed.append(os.fstat(descriptor).st_ino)
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", recording)
    await open_objects("local", tmp_path).put(VIDEO, b"clip")
    clip = tmp_path / VIDEO
    on_the_way = [clip, clip.parent, clip.parent.parent, tmp_path]
    assert flushed == [path.stat().st_ino for path in on_the_way]


@pytest.mark.parametrize(
    ("storage", "options"),
    [("ftp://bucket", {}), ("/srv/clips", {}), ("s3://", {}), ("s3://bucket", {"colour": "blue"})],
)
def test_storage_settings_that_cannot_work_are_refused_by_name(storage, options, tmp_path):
    with pytest.raises(StorageUnusable, match="storage"):
        open_objects(storage, tmp_path, options)


@pytest.mark.parametrize("size", [1000, 6_000_000], ids=["whole", "in parts"])
async def test_an_upload_whose_answer_was_lost_is_made_again(s3_options, new_bucket, tmp_path, size):
    made, fetched = tmp_path / "made.mp4", tmp_path / "fetched.mp4"
    made.write_bytes(os.urandom(size))
    address = urlsplit(s3_options["endpoint"])
    with closing(Toxic((address.hostname, address.port)).start()) as toxic:
        objects = open_objects(f"s3://{new_bucket}/some/prefix", tmp_path, s3_options | {"endpoint": toxic.url})
        toxic.mode = "deaf"
        await objects.put_file(VIDEO, str(made))
        assert toxic.lost == 1
        await objects.fetch_file(VIDEO, str(fetched))
    assert fetched.read_bytes() == made.read_bytes()


def test_a_fetch_that_nobody_waits_for_any_more_holds_nothing_up(s3_options, new_bucket, tmp_path):
    """Not even the end of the process waits for it. A silent bucket would keep a thread for minutes."""

    async def give_up(objects):
        fetching = asyncio.create_task(objects.fetch_file(VIDEO, str(tmp_path / "fetched.mp4")))
        await eventually_async(lambda: toxic.connections)
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching

    address = urlsplit(s3_options["endpoint"])
    with closing(Toxic((address.hostname, address.port), mode="hole").start()) as toxic:
        objects = open_objects(f"s3://{new_bucket}/some/prefix", tmp_path, s3_options | {"endpoint": toxic.url})
        began = time.monotonic()
        asyncio.run(give_up(objects))
    assert time.monotonic() - began < 3
