"""The official Python client of the OpenAI videos API, unchanged but for its base URL and its key."""

import io
from datetime import timedelta

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from stillmotion.adapters.identifiers import new_uuid7
from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.request import Keyframe
from stillmotion.http.parsing.data_uri import read_data_uri
from stillmotion.media.input.probe import probe
from tests.end_to_end.conftest import small_picture
from tests.http.conftest import PICTURE_URL

CLIENT, VERSION = "openai (Python)", openai.__version__
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")


def a_client(caller, kind=OpenAI, **options):
    given = {"base_url": f"{caller.edge.server.url}/v1", "api_key": caller.issued.primary, "max_retries": 0}
    return kind(**given | options)


@pytest.fixture
def client(caller):
    with a_client(caller) as client:
        yield client


def create(client, **asked):
    return client.videos.create(**{"prompt": "leaning girl", "input_reference": ("girl.png", PNG, "image/png")} | asked)


def kept(caller, video):
    return caller.edge.run(caller.edge.store.find(video.id))


@pytest.mark.methods("videos.create")
def test_a_video_is_created_from_a_file(client, caller):
    video = create(client, model="sora-2", seconds="8", size="1280x720")
    assert (video.object, video.status, video.progress, video.model) == ("video", "queued", 0, "sora-2")
    assert (video.size, video.seconds, video.prompt, video.error) == ("1280x720", "8", "leaning girl", None)
    assert video.created_at == int(caller.edge.clock.now().timestamp())
    assert video.completed_at is None
    request = kept(caller, video).request
    assert (request.seconds, request.resolution, request.aspect_ratio) == (8.0, "720p", "16:9")
    (size,) = [caller.edge.run(caller.edge.objects.find(request.frame0.key)).size]
    assert size == len(PNG)


@pytest.mark.methods("videos.create")
@pytest.mark.parametrize("file", [PNG, io.BytesIO(PNG), ("x", io.BytesIO(PNG))], ids=["bytes", "file", "named"])
def test_a_file_may_be_given_in_each_of_the_clients_ways(client, caller, file):
    video = create(client, input_reference=file)
    assert kept(caller, video).request.frame0.key is not None
    assert (video.model, video.size, video.seconds) == ("sora-2", "720x1280", "4")


@pytest.mark.methods("videos.create")
def test_a_large_file_is_taken(client, caller):
    video = create(client, input_reference=PNG + bytes(5_000_000), model="sora-2-pro")
    assert kept(caller, video).request.model == "sora-2-pro"


@pytest.mark.methods("videos.create")
def test_the_form_may_name_the_picture_by_its_address(client, caller):
    video = client.videos.create(prompt="leaning girl", extra_body={"input_reference": {"image_url": PICTURE_URL}})
    assert kept(caller, video).request.frame0 == Keyframe(url=PICTURE_URL)


@pytest.mark.parametrize("reference", [{"image_url": PICTURE_URL}, PICTURE_URL])
def test_json_names_the_picture_by_its_address(client, caller, reference):
    body = {"prompt": "leaning girl", "input_reference": reference, "seconds": 4, "size": "1792x1024"}
    video = client.post("/videos", body=body, cast_to=openai.types.Video)
    assert kept(caller, video).request.frame0 == Keyframe(url=PICTURE_URL)
    assert video.size == "1920x1080"


def test_json_holds_the_picture_itself(client, caller):
    body = {"prompt": "leaning girl", "input_reference": {"image_url": small_picture()}}
    video = client.post("/videos", body=body, cast_to=openai.types.Video)
    assert kept(caller, video).request.frame0.key is not None


def test_an_upload_is_named_by_its_id(client, caller, edge):
    uploaded = client.post(
        f"{edge.server.url}/uploads",
        body={},
        files={"file": PNG},
        cast_to=object,
        options={"headers": {"Content-Type": "multipart/form-data"}},
    )
    body = {"prompt": "leaning girl", "input_reference": {"file_id": uploaded["id"]}}
    video = client.post("/videos", body=body, cast_to=openai.types.Video)
    assert kept(caller, video).request.frame0.key is not None
    with a_client(edge.caller()) as another, pytest.raises(openai.BadRequestError) as refused:
        another.post("/videos", body=body, cast_to=openai.types.Video)
    assert refused.value.param == "input_reference.file_id"


@pytest.mark.methods("videos.retrieve")
def test_a_video_is_read_through_all_its_states(client, caller):
    video = create(client)
    until = caller.edge.clock.now() + timedelta(seconds=15)
    caller.change(video.id, lambda each: each.claimed(until))
    caller.change(video.id, lambda each: each.renewed(each.lease, until, 0.42))
    dreaming = client.videos.with_raw_response.retrieve(video.id)
    assert dreaming.headers["x-stillmotion-engine"] == "parallax/1"
    assert dreaming.headers["ratelimit-limit"]
    assert dreaming.headers["x-request-id"] == dreaming.parse()._request_id
    assert (dreaming.parse().status, dreaming.parse().progress) == ("in_progress", 42)
    bad = GenerationFailed("image_decode_failed", "The image could not be decoded.")
    caller.change(video.id, lambda each: each.attempt_failed(each.lease, bad, until))
    failed = client.videos.retrieve(video.id)
    assert (failed.status, failed.error.code, failed.error.message) == (
        "failed",
        "image_decode_failed",
        "The image could not be decoded.",
    )


@pytest.mark.methods("videos.list")
def test_all_videos_are_listed_page_by_page(client, caller):
    made = [create(client, input_reference=PNG).id for _ in range(7)]
    page = client.videos.list(limit=3)
    assert [each.id for each in page.data] == made[:3:-1]
    assert (page.object, page.first_id, page.last_id, page.has_more) == ("list", made[6], made[4], True)
    assert [each.id for each in client.videos.list(limit=2)] == made[::-1]
    assert [each.id for each in client.videos.list(limit=7, order="asc")] == made
    assert [each.id for each in client.videos.list(after=made[5], order="asc")] == made[6:]


@pytest.mark.methods("videos.list")
def test_another_subscription_lists_nothing_of_it(client, edge):
    create(client)
    with a_client(edge.caller()) as another:
        page = another.videos.list()
    assert (page.data, page.has_more, page.last_id) == ([], False, None)


def test_what_another_surface_made_is_shown_here(client, caller):
    made = caller.submit().body["id"]
    video = client.videos.retrieve(made)
    assert (video.id, video.model, video.size) == (made, "ray-1-6", None)


@pytest.mark.methods("videos.download_content")
@pytest.mark.parametrize(
    ("variant", "kind", "content"),
    [({}, "video/mp4", b"video" * 1000), ({"variant": "thumbnail"}, "image/jpeg", b"thumbnail")],
)
def test_both_files_are_downloaded(client, caller, variant, kind, content, tmp_path):
    video = create(client)
    caller.complete(video.id)
    assert client.videos.retrieve(video.id).completed_at
    answered = client.videos.download_content(video.id, **variant)
    assert (answered.response.headers["content-type"], answered.content) == (kind, content)
    assert answered.response.headers["ratelimit-limit"]
    assert answered.response.headers["x-stillmotion-engine"] == "parallax/1"
    answered.write_to_file(tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == content


@pytest.mark.methods("videos.download_content")
def test_a_part_of_a_file_is_downloaded(client, caller):
    video = create(client)
    caller.complete(video.id)
    answered = client.videos.download_content(video.id, extra_headers={"Range": "bytes=5-9"})
    assert (answered.response.status_code, answered.content) == (206, b"video")


@pytest.mark.methods("videos.download_content")
def test_there_is_no_content_before_the_end(client):
    video = create(client)
    with pytest.raises(openai.BadRequestError, match="is queued: there is content once"):
        client.videos.download_content(video.id)


@pytest.mark.methods("videos.delete")
def test_a_video_is_gone_once_it_is_deleted_finished_or_not(client, caller):
    unfinished, finished = create(client), create(client)
    caller.complete(finished.id)
    for video in (unfinished, finished):
        deleted = client.videos.delete(video.id)
        assert (deleted.id, deleted.object, deleted.deleted) == (video.id, "video.deleted", True)
        with pytest.raises(openai.NotFoundError):
            client.videos.retrieve(video.id)
        with pytest.raises(openai.NotFoundError):
            client.videos.delete(video.id)


def test_the_same_idempotency_key_gives_the_first_video_whatever_the_boundary(client):
    named = {"extra_headers": {"Idempotency-Key": new_uuid7()}}
    first = create(client, **named)
    assert create(client, **named).id == first.id
    with pytest.raises(openai.UnprocessableEntityError) as refused:
        create(client, prompt="another", **named)
    assert refused.value.code == "idempotency_conflict"
    with pytest.raises(openai.UnprocessableEntityError):
        create(client, input_reference=PNG + b"x", **named)


def test_the_clients_own_retry_gives_the_first_video_whatever_the_boundary(client):
    first = create(client)
    assert create(client, extra_headers={"x-stainless-retry-count": "1"}).id == first.id
    assert create(client).id != first.id


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"prompt": "  "}, "prompt"),
        ({"prompt": "x" * 5001}, "prompt"),
        ({"seconds": "four"}, "seconds"),
        ({"seconds": "0"}, "seconds"),
        ({"seconds": "60"}, "seconds"),
        ({"size": "big"}, "size"),
        ({"size": "3000x300"}, "size"),
        ({"model": "nobody"}, "model"),
        ({"input_reference": b"no picture"}, "input_reference"),
        ({"input_reference": PNG + bytes(20 << 20)}, "input_reference"),
        ({"extra_body": {"colour": "red"}}, "colour"),
        ({"extra_body": {"input_reference[image_url]": PICTURE_URL}}, "input_reference"),
    ],
)
def test_what_is_wrong_is_named_by_its_parameter(client, asked, param):
    with pytest.raises(openai.BadRequestError) as refused:
        create(client, **asked)
    assert (refused.value.type, refused.value.param) == ("invalid_request_error", param)
    assert refused.value.message


@pytest.mark.parametrize(
    ("reference", "param"),
    [
        (None, "input_reference"),
        ({}, "input_reference"),
        ({"image_url": PICTURE_URL, "file_id": "x"}, "input_reference"),
        ({"image_url": "http://127.0.0.1/x.png"}, "input_reference"),
        ({"image_url": "data:text/plain,x"}, "input_reference.image_url"),
        ({"file_id": "x"}, "input_reference.file_id"),
        (5, "input_reference"),
    ],
)
def test_a_picture_is_needed_once(client, reference, param):
    with pytest.raises(openai.BadRequestError) as refused:
        client.post("/videos", body={"prompt": "x", "input_reference": reference}, cast_to=object)
    assert refused.value.param == param


@pytest.mark.parametrize("asked", [{"limit": 0}, {"limit": 101}, {"order": "sideways"}])
def test_a_page_that_there_is_not_is_refused(client, asked):
    with pytest.raises(openai.BadRequestError) as refused:
        client.videos.list(**asked)
    assert refused.value.param == next(iter(asked))


def test_errors_have_their_classes(client, caller, edge):
    with pytest.raises(openai.NotFoundError) as missing:
        client.videos.retrieve(new_uuid7())
    assert missing.value.code == "video_not_found"
    with pytest.raises(openai.NotFoundError) as foreign, a_client(edge.caller()) as another:
        another.videos.retrieve(create(client).id)
    assert foreign.value.body == missing.value.body
    with pytest.raises(openai.AuthenticationError) as stranger, a_client(caller, api_key="sm_nobody") as unknown:
        unknown.videos.list()
    assert stranger.value.code == "invalid_api_key"
    with pytest.raises(openai.PermissionDeniedError), a_client(edge.caller(surfaces=frozenset({"gateway"}))) as other:
        other.videos.list()
    with pytest.raises(openai.NotFoundError) as nowhere:
        client.post("/images/generations", body={}, cast_to=object)
    assert nowhere.value.code == "unknown_url"
    with pytest.raises(openai.APIStatusError) as wrong:
        client.put("/videos", body={}, cast_to=object)
    assert (wrong.value.status_code, wrong.value.response.headers["allow"]) == (405, "POST, GET, HEAD")


def test_a_limit_is_a_rate_limit_error_that_says_when(edge):
    with a_client(edge.caller(submits_per_minute=1)) as client:
        create(client)
        with pytest.raises(openai.RateLimitError) as limited:
            create(client)
    assert 1 <= int(limited.value.response.headers["retry-after"]) <= 60


def test_a_spent_quota_is_not_asked_for_again(edge):
    poor = edge.caller(video_seconds_per_month=3)
    with a_client(poor, max_retries=5) as client, pytest.raises(openai.PermissionDeniedError) as spent:
        create(client)
    assert (spent.value.code, spent.value.response.headers["x-should-retry"]) == ("insufficient_quota", "false")


@pytest.mark.methods("videos.create", "videos.retrieve", "videos.list", "videos.download_content", "videos.delete")
async def test_the_async_client_does_the_same(caller):
    async with a_client(caller, AsyncOpenAI) as client:
        video = await client.videos.create(prompt="a lake", input_reference=PNG, size="1280x720")
        assert (await client.videos.retrieve(video.id)).status == "queued"
        assert [each.id async for each in client.videos.list(limit=1)] == [video.id]
        caller.complete(video.id)
        content = await client.videos.download_content(video.id)
        assert content.content == b"video" * 1000
        other = await client.videos.create(prompt="a lake", input_reference=PNG)
        assert (await client.videos.delete(other.id)).deleted
        with pytest.raises(openai.NotFoundError):
            await client.videos.retrieve(new_uuid7())


@pytest.mark.slow
@pytest.mark.methods("videos.create_and_poll", "videos.poll", "videos.download_content")
def test_a_video_is_really_made(running, tmp_path):
    with OpenAI(base_url=f"{running.base}/v1", api_key=running.key) as client:
        picture = ("girl.png", read_data_uri(small_picture()), "image/png")
        video = client.videos.create_and_poll(
            prompt="push in", input_reference=picture, seconds="1", size="960x540", poll_interval_ms=100
        )
        assert (video.status, video.progress, video.error) == ("completed", 100, None)
        client.videos.download_content(video.id).write_to_file(tmp_path / "clip.mp4")
        thumbnail = client.videos.download_content(video.id, variant="thumbnail").content
    clip = probe(tmp_path / "clip.mp4")
    assert (clip.size.width, clip.size.height, clip.seconds) == (960, 540, pytest.approx(1, abs=0.1))
    assert f"{clip.size.width}x{clip.size.height}" == video.size
    assert thumbnail.startswith(b"\xff\xd8\xff")
