"""The official Python SDK of the Dream Machine, unchanged but for its base URL and its key."""

import asyncio
import socket
import threading
import urllib.request
from contextlib import contextmanager
from datetime import UTC
from decimal import Decimal

import lumaai
import pytest
from lumaai import AsyncLumaAI, DefaultAioHttpClient, LumaAI

from stillmotion.adapters.identifiers import new_uuid7
from stillmotion.domain.camera_concepts import HONOURED
from stillmotion.domain.errors import GenerationFailed
from tests.http.conftest import PICTURE_URL

CLIENT, VERSION = "lumaai (Python)", lumaai.__version__
FRAME0 = {"frame0": {"type": "image", "url": PICTURE_URL}}
OTHER_URL = PICTURE_URL.replace("00034", "00035")


def sdk(caller, *, strict=True, **options):
    return LumaAI(
        base_url=f"{caller.edge.server.url}/dream-machine/v1",
        auth_token=options.pop("auth_token", caller.issued.primary),
        _strict_response_validation=strict,
        **options,
    )


@pytest.fixture(params=[False, True], ids=["loose", "strict"])
def luma(request, caller):
    with sdk(caller, strict=request.param) as client:
        yield client


def completed(luma, caller, **asked):
    made = luma.generations.create(**{"model": "ray-2", "prompt": "a lake", "keyframes": FRAME0} | asked)
    caller.complete(made.id)
    return made.id


@pytest.mark.methods("ping.check")
def test_a_ping_is_answered(luma):
    assert luma.ping.check().message == "pong"


@pytest.mark.methods("credits.get")
def test_the_balance_is_what_is_left_of_the_quota(edge):
    caller = edge.caller(video_seconds_per_month=100, price_per_second=Decimal("0.02"))
    with sdk(caller) as luma:
        assert luma.credits.get().credit_balance == pytest.approx(2.0)
        luma.generations.create(model="ray-2", prompt="a lake", keyframes=FRAME0)
        assert luma.credits.get().credit_balance == pytest.approx(1.9)
    assert sdk(edge.caller()).credits.get().credit_balance == 1e9
    assert sdk(edge.caller(video_seconds_per_month=7)).credits.get().credit_balance == 7.0


@pytest.mark.parametrize("through", ["create", "video.create"])
@pytest.mark.methods("generations.create", "generations.video.create")
def test_a_generation_is_created_and_echoed(luma, through):
    method = luma.generations.video.create if through == "video.create" else luma.generations.create
    made = method(
        model="ray-2",
        prompt="A serene lake",
        aspect_ratio="9:16",
        callback_url="https://example.com/hook",
        concepts=[{"key": "orbit_left"}],
        duration="9s",
        generation_type="video",
        keyframes={"frame0": FRAME0["frame0"], "frame1": {"type": "image", "url": OTHER_URL}},
        resolution="540p",
    )
    assert (made.state, made.generation_type, made.model, made.failure_reason, made.assets) == (
        "queued",
        "video",
        "ray-2",
        None,
        None,
    )
    assert made.created_at.tzinfo == UTC
    asked = made.request
    assert (asked.prompt, asked.aspect_ratio, asked.duration, asked.resolution) == (
        "A serene lake",
        "9:16",
        "9s",
        "540p",
    )
    assert (asked.model, asked.generation_type, asked.loop, asked.callback_url) == (
        "ray-2",
        "video",
        False,
        "https://example.com/hook",
    )
    assert asked.keyframes.frame0.url == PICTURE_URL
    assert asked.keyframes.frame1.url == OTHER_URL
    assert [each.key for each in asked.concepts] == ["orbit_left"]


@pytest.mark.methods("generations.create")
def test_a_loop_is_echoed(luma):
    assert luma.generations.create(model="ray-2", prompt="waves", keyframes=FRAME0, loop=True).request.loop


@pytest.mark.methods("generations.create")
def test_a_picture_needs_no_prompt(luma):
    assert luma.generations.create(model="ray-2", keyframes=FRAME0).request.prompt is None


@pytest.mark.methods("generations.create", "generations.get")
def test_a_generation_is_read_through_all_its_states(luma, caller):
    made = luma.generations.create(model="ray-2", prompt="a lake", keyframes=FRAME0)
    assert luma.generations.get(made.id).state == "queued"
    until = caller.edge.clock.now()
    caller.change(made.id, lambda each: each.claimed(until))
    dreaming = luma.generations.get(made.id)
    assert (dreaming.state, dreaming.assets) == ("dreaming", None)
    bad = GenerationFailed("image_decode_failed", "The image could not be decoded.")
    caller.change(made.id, lambda each: each.attempt_failed(each.lease, bad, until))
    failed = luma.generations.get(made.id)
    assert failed.state == "failed"
    assert failed.failure_reason == "Failed to read user input frames: The image could not be decoded."


@pytest.mark.methods("generations.get")
def test_a_completed_generation_has_addresses_that_work_without_a_key(luma, caller):
    done = luma.generations.get(completed(luma, caller))
    assert done.state == "completed"
    with urllib.request.urlopen(done.assets.video) as video:
        assert (video.headers["content-type"], video.read()) == ("video/mp4", b"video" * 1000)
    with urllib.request.urlopen(done.assets.image) as image:
        assert (image.headers["content-type"], image.read()) == ("image/jpeg", b"thumbnail")
    assert done.assets.progress_video is None


@pytest.mark.methods("generations.list")
def test_generations_are_listed_newest_first_and_by_part(luma, caller):
    made = [luma.generations.create(model="ray-2", prompt=f"lake {n}", keyframes=FRAME0).id for n in range(5)]
    everything = luma.generations.list()
    assert [each.id for each in everything.generations] == made[::-1]
    assert (everything.count, everything.limit, everything.offset, everything.has_more) == (5, 100, 0, False)
    part = luma.generations.list(limit=2, offset=1)
    assert [each.id for each in part.generations] == [made[3], made[2]]
    assert (part.count, part.limit, part.offset, part.has_more) == (2, 2, 1, True)
    assert luma.generations.list(limit=0).generations == []
    other = sdk(caller.edge.caller())
    assert other.generations.list().generations == []


@pytest.mark.methods("generations.create")
def test_a_video_is_continued_led_into_and_joined(luma, caller):
    first, second = completed(luma, caller), completed(luma, caller)
    after, before = {"type": "generation", "id": first}, {"type": "generation", "id": second}
    for keyframes in ({"frame0": after}, {"frame1": before}, {"frame0": after, "frame1": before}):
        made = luma.generations.create(model="ray-2", prompt="go on", keyframes=keyframes)
        echoed = made.request.keyframes.to_dict()
        assert {name: frame for name, frame in echoed.items() if frame is not None} == keyframes


@pytest.mark.methods("generations.upscale")
def test_a_video_is_upscaled(luma, caller):
    source = completed(luma, caller, resolution="540p")
    made = luma.generations.upscale(source, resolution="1080p", generation_type="upscale_video")
    assert (made.state, made.request.generation_type, made.request.resolution) == ("queued", "upscale_video", "1080p")
    assert made.id != source
    assert luma.generations.upscale(source).request.resolution == "720p"
    with pytest.raises(lumaai.BadRequestError, match="resolution: must be above the video's own 540p"):
        luma.generations.upscale(source, resolution="540p")


@pytest.mark.methods("generations.video.reframe")
def test_a_video_is_reframed(luma, caller):
    video = luma.generations.get(completed(luma, caller)).assets.video
    made = luma.generations.video.reframe(
        aspect_ratio="9:16",
        generation_type="reframe_video",
        media={"url": video},
        model="ray-2",
        x_start=-100,
        x_end=700,
        y_start=10,
    )
    assert (made.state, made.request.generation_type, made.request.aspect_ratio) == ("queued", "reframe_video", "9:16")
    asked = made.request.to_dict()
    assert asked["media"] == {"url": video}
    assert (asked["x_start"], asked["x_end"], asked["y_start"]) == (-100, 700, 10)


@pytest.mark.methods("generations.concepts.list")
def test_the_camera_concepts_are_named(luma):
    assert luma.generations.concepts.list() == list(HONOURED)
    assert "camera orbit left" in luma.get("/generations/camera_motion/list", cast_to=list[str])


@pytest.mark.methods("generations.delete")
def test_a_generation_is_gone_once_it_is_deleted(luma, caller):
    unfinished = luma.generations.create(model="ray-2", prompt="a lake", keyframes=FRAME0).id
    for made in (unfinished, completed(luma, caller)):
        assert luma.generations.delete(made) is None
        with pytest.raises(lumaai.NotFoundError):
            luma.generations.get(made)
        with pytest.raises(lumaai.NotFoundError):
            luma.generations.delete(made)
    assert luma.generations.list().generations == []


@pytest.mark.methods(
    *("generations.audio", "generations.image.create", "generations.image.reframe", "generations.video.modify"),
    refused=True,
)
def test_what_no_engine_can_do_is_refused_with_a_sentence(luma, caller):
    done = completed(luma, caller)
    media, url = {"url": "https://example.com"}, "https://example.com"
    refused = {
        "add audio": lambda: luma.generations.audio(done, prompt="rain"),
        "make images": lambda: luma.generations.image.create(model="photon-1", prompt="a lake"),
        "reframe images": lambda: luma.generations.image.reframe(
            aspect_ratio="1:1", generation_type="reframe_image", media=media, model="photon-1"
        ),
        "modify what a video shows": lambda: luma.generations.video.modify(
            generation_type="modify_video", media={"url": url}, mode="flex_1", model="ray-2"
        ),
    }
    for ability, asking in refused.items():
        with pytest.raises(lumaai.BadRequestError) as error:
            asking()
        assert error.value.body["detail"].startswith(f"No engine of this server can {ability}")


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"keyframes": {}}, "Prompt is required"),
        ({"prompt": "  ", "keyframes": FRAME0}, "Prompt is required"),
        ({"prompt": "ab", "keyframes": FRAME0}, "Prompt is too short, minimum length is 3 characters"),
        ({"prompt": "a" * 5001, "keyframes": FRAME0}, "Prompt is too long, maximum length is 5000 characters"),
        ({"prompt": "a lake"}, "No keyframes provided"),
        (
            {"prompt": "a lake", "loop": True, "keyframes": FRAME0 | {"frame1": {"type": "image", "url": OTHER_URL}}},
            "Loop is not supported for generations with an end frame",
        ),
        ({"aspect_ratio": "2:1"}, "aspect_ratio: must be one of 1:1, 16:9, 9:16, 4:3, 3:4, 21:9, 9:21"),
        ({"resolution": "8k"}, "resolution: must be one of 540p, 720p, 1080p, 4k"),
        ({"duration": "soon"}, 'duration: must be a number of seconds, such as 5 or "5s"'),
        ({"duration": "60s"}, "duration: must be from 1 to 12 seconds"),
        ({"model": "ray-99"}, "model: is not one of this server's models: ray-1-6, ray-2, sora-2, sora-2-pro"),
        (
            {"concepts": [{"key": "moonwalk"}]},
            "concepts.0.key: is none of this server's: GET /generations/concepts/list names them",
        ),
    ],
)
@pytest.mark.methods("generations.create")
def test_a_bad_value_is_a_400_with_its_sentence(caller, asked, sentence):
    good = {"model": "ray-2", "prompt": "a lake", "keyframes": FRAME0}
    given = asked if {"keyframes", "prompt"} & set(asked) else good | asked
    with pytest.raises(lumaai.BadRequestError) as error:
        sdk(caller).generations.create(**{"model": "ray-2"} | given)
    assert error.value.body == {"detail": sentence}


@pytest.mark.methods("generations.create")
def test_a_body_of_the_wrong_shape_is_a_422(caller):
    with pytest.raises(lumaai.UnprocessableEntityError) as error:
        sdk(caller).generations.create(model="ray-2", prompt=7, keyframes=FRAME0)
    assert error.value.body["detail"].startswith("prompt: must be a string of 3 to 5000 characters")
    with pytest.raises(lumaai.UnprocessableEntityError, match="surprise: is not a field here"):
        sdk(caller).generations.create(model="ray-2", prompt="a lake", keyframes=FRAME0, extra_body={"surprise": True})


@pytest.mark.methods("ping.check", "generations.get")
def test_the_classes_of_errors_follow_the_statuses(caller, edge):
    with pytest.raises(lumaai.AuthenticationError) as unknown:
        sdk(caller, auth_token="sm_nobody's").ping.check()
    assert unknown.value.body == {"detail": "Invalid or missing authentication: the key is unknown"}
    with pytest.raises(lumaai.PermissionDeniedError):
        sdk(edge.caller(surfaces=frozenset({"gateway"}))).ping.check()
    with pytest.raises(lumaai.NotFoundError) as missing:
        sdk(caller).generations.get(new_uuid7())
    own = sdk(edge.caller()).generations.create(model="ray-2", prompt="mine", keyframes=FRAME0)
    with pytest.raises(lumaai.NotFoundError) as foreign:
        sdk(caller).generations.get(own.id)
    assert missing.value.response.content == foreign.value.response.content == b'{"detail":"Generation not found"}'


def test_unknown_paths_and_methods_are_told_apart(caller):
    headers = {"Authorization": f"Bearer {caller.issued.primary}"}
    for method in ("GET", "POST", "DELETE", "PUT"):
        unknown = caller.edge.ask(method, "/dream-machine/v1/nothing", headers=headers)
        assert (unknown.status, unknown.body) == (404, {"detail": "Not Found"})
    wrong = caller.edge.ask("PUT", "/dream-machine/v1/generations", headers=headers)
    assert (wrong.status, wrong.body) == (405, {"detail": "Method Not Allowed"})
    assert set(wrong.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


@pytest.mark.methods("generations.create")
def test_a_rate_limit_is_waited_for(edge):
    caller = edge.caller(submits_per_minute=1)
    with sdk(caller, max_retries=0) as luma:
        luma.generations.create(model="ray-2", prompt="a lake", keyframes=FRAME0)
        with pytest.raises(lumaai.RateLimitError) as error:
            luma.generations.create(model="ray-2", prompt="another", keyframes=FRAME0)
        assert 1 <= int(error.value.response.headers["retry-after"]) <= 60


@pytest.mark.methods("generations.create")
def test_a_spent_quota_is_not_tried_again(edge):
    caller = edge.caller(video_seconds_per_month=5)
    with sdk(caller) as luma:
        luma.generations.create(model="ray-2", prompt="a lake", keyframes=FRAME0)
        with pytest.raises(lumaai.PermissionDeniedError) as error:
            luma.generations.create(model="ray-2", prompt="another", keyframes=FRAME0)
        assert error.value.response.headers["x-should-retry"] == "false"


@pytest.mark.methods("generations.with_raw_response.create")
def test_what_really_renders_is_said(caller):
    answered = sdk(caller).generations.with_raw_response.create(model="ray-2", prompt="a lake", keyframes=FRAME0)
    assert answered.headers["x-stillmotion-engine"] == "forward/elsewhere"


@pytest.mark.parametrize("http_client", [None, DefaultAioHttpClient], ids=["httpx", "aiohttp"])
@pytest.mark.parametrize("strict", [False, True], ids=["loose", "strict"])
@pytest.mark.methods(
    "AsyncLumaAI: ping.check",
    "AsyncLumaAI: generations.create",
    "AsyncLumaAI: generations.get",
    "AsyncLumaAI: generations.upscale",
    "AsyncLumaAI: generations.video.reframe",
    "AsyncLumaAI: generations.list",
    "AsyncLumaAI: generations.concepts.list",
)
async def test_the_asynchronous_clients_do_the_same(caller, http_client, strict):
    options = {} if http_client is None else {"http_client": http_client()}
    async with AsyncLumaAI(
        base_url=f"{caller.edge.server.url}/dream-machine/v1",
        auth_token=caller.issued.primary,
        _strict_response_validation=strict,
        **options,
    ) as luma:
        assert (await luma.ping.check()).message == "pong"
        made = await luma.generations.create(model="ray-2", prompt="a lake", keyframes=FRAME0)
        await asyncio.to_thread(caller.complete, made.id)
        done = await luma.generations.get(made.id)
        assert (done.state, done.assets.video is not None) == ("completed", True)
        larger = await luma.generations.upscale(made.id, resolution="1080p")
        shaped = await luma.generations.video.reframe(
            aspect_ratio="1:1", generation_type="reframe_video", media={"url": done.assets.video}, model="ray-2"
        )
        listed = await luma.generations.list(limit=10)
        assert [each.id for each in listed.generations] == [shaped.id, larger.id, made.id]
        assert "push_in" in await luma.generations.concepts.list()
        with pytest.raises(lumaai.NotFoundError):
            await luma.generations.get(new_uuid7())


@contextmanager
def answers_cut_off(target, times):
    """A proxy that hangs up in place of the first answers, after their requests were carried out."""
    listener = socket.create_server(("127.0.0.1", 0))
    left = [times]

    def carry():
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            with caller, socket.create_connection(target) as server:
                caller.settimeout(5)
                request = caller.recv(65536)
                while b"\r\n\r\n" not in request or not request.endswith(b"}"):
                    request += caller.recv(65536)
                server.sendall(request)
                answer = server.recv(65536)
                if left[0]:
                    left[0] -= 1
                    continue
                caller.sendall(answer)

    thread = threading.Thread(target=carry, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()
        thread.join(20)


def test_a_submit_whose_answer_was_cut_off_is_not_made_twice(caller):
    with answers_cut_off(caller.edge.address, times=1) as port:
        luma = LumaAI(base_url=f"http://127.0.0.1:{port}/dream-machine/v1", auth_token=caller.issued.primary)
        made = luma.generations.create(model="ray-2", prompt="once", keyframes=FRAME0)
    assert [each.id for each in sdk(caller).generations.list().generations] == [made.id]
