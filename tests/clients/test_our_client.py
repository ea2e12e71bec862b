"""Our own client, sync and async: against the real edge, and against a server that misbehaves to order."""

import base64
import json
import sys
from datetime import timedelta

import pytest
from PIL import Image as Pillow

from stillmotion import Client, client
from stillmotion.adapters.identifiers import new_uuid7
from stillmotion.client.core import Core
from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.request import FrameSize
from tests.builders import some_assets
from tests.clients.contract_server import Answer
from tests.clients.our_client import EVENTS, ID, ONE, SPENT, VIDEO, body, connect, ours, server
from tests.http.conftest import PICTURE_URL

__all__ = ["connect", "ours", "server"]
CLIENT, VERSION = "stillmotion (Python)", "of this version"


# Against the real edge


@pytest.mark.methods("submit", "get")
def test_everything_that_can_be_asked_arrives(ours, caller):
    made = ours.submit(
        PICTURE_URL,
        "a lake",
        end_image=PICTURE_URL + "2",
        camera=["orbit_left", "push_in"],
        aspect_ratio="9:16",
        seconds=4.5,
        resolution="540p",
        seed=7,
        model="ray-2",
        codec="av1",
        callback_url="https://example.com/hook",
    )
    assert (made.state, made.model, made.prompt, made.engine) == ("queued", "ray-2", "a lake", "forward/elsewhere")
    request = caller.edge.run(caller.edge.services.generations.get(caller.issued.subscription, made.id)).request
    assert (request.seconds, request.seed, request.concepts) == (4.5, 7, ("orbit_left", "push_in"))
    assert (request.aspect_ratio, request.resolution, request.codec) == ("9:16", "540p", "av1")
    assert (request.frame1.url, request.callback_url) == (PICTURE_URL + "2", "https://example.com/hook")
    assert ours.get(made.id) == made


@pytest.mark.methods("submit")
@pytest.mark.parametrize("as_", ["path", "str", "bytes", "pil", "pil in cmyk", "data"])
def test_a_picture_is_taken_in_every_form(ours, tmp_path, as_):
    path = tmp_path / "photo.png"
    Pillow.new("RGB", (8, 8), "red").save(path)
    uri = "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
    forms = {"path": path, "str": str(path), "bytes": path.read_bytes(), "pil": Pillow.open(path), "data": uri}
    forms["pil in cmyk"] = Pillow.open(path).convert("CMYK")
    assert ours.submit(forms[as_], "a lake").state == "queued"


@pytest.mark.methods("submit")
def test_an_earlier_generation_is_gone_on_from(ours, caller):
    first = ours.submit(PICTURE_URL, "a lake")
    caller.complete(first.id)
    second = ours.submit(first, "a lake")
    assert second.body["request"]["keyframes"]["frame0"] == {"type": "generation", "id": first.id}


@pytest.mark.methods("wait", "download")
def test_what_is_completed_is_downloaded_whole(ours, caller, tmp_path):
    made = ours.submit(PICTURE_URL, "a lake")
    caller.complete(made.id, video=b"v" * 300_000, thumbnail=b"t" * 100)
    done = ours.wait(made)
    assert (done.state, done.progress) == ("completed", 1.0)
    assert ours.download(done, tmp_path / "new" / "clip.mp4").read_bytes() == b"v" * 300_000
    assert ours.download(made.id, tmp_path / "new" / "clip.jpg", thumbnail=True).read_bytes() == b"t" * 100
    assert sorted(each.name for each in (tmp_path / "new").iterdir()) == ["clip.jpg", "clip.mp4"]


@pytest.mark.methods("wait")
def test_a_failure_is_an_error_with_the_server_s_sentence(ours, caller):
    made = ours.submit(PICTURE_URL, "a lake")
    until = caller.edge.clock.now()
    caller.change(made.id, lambda each: each.claimed(until))
    failure = GenerationFailed("image_fetch_failed", "The image is gone.")
    caller.change(made.id, lambda each: each.attempt_failed(each.lease, failure, until))
    with pytest.raises(client.GenerationFailed, match=r"The image is gone\.") as raised:
        ours.wait(made.id)
    assert raised.value.generation.state == "failed"


@pytest.mark.methods("list")
def test_a_list_is_read_in_parts(ours):
    made = [ours.submit(PICTURE_URL, f"lake {number}").id for number in range(3)]
    first = ours.list(limit=2)
    assert ([each.id for each in first.generations], first.has_more) == (made[:0:-1], True)
    assert [each.id for each in ours.list(offset=2).generations] == made[:1]


@pytest.mark.methods("concepts", "plan")
def test_concepts_and_plans_are_read(ours, caller):
    assert "orbit_left" in ours.concepts()
    made = ours.submit(PICTURE_URL, "a lake")
    assert ours.plan(made.id) is None


@pytest.mark.methods("get", "list", "timeline")
def test_the_record_of_a_generation_is_read(ours, caller):
    made = ours.submit(PICTURE_URL, "a lake")
    waiting = ours.get(made.id)
    assert (waiting.stage, waiting.cost, waiting.engine) == ("waiting", 0.0, "parallax/1")
    assert waiting.queue_position >= 1
    assert ours.list().generations[0].queue_position == waiting.queue_position
    now, size = caller.edge.clock.now(), FrameSize(640, 360)
    caller.change(made.id, lambda each: each.claimed(now, now))
    caller.change(made.id, lambda each: each.completed(each.lease, some_assets(made.id), "{}", now, size, 7))
    done = ours.get(made.id)
    assert (done.width, done.height, done.seed, done.started_at, done.finished_at) == (640, 360, 7, now, now)
    assert (done.stage, done.queue_position, done.eta_seconds) == (None, None, None)
    events = ours.timeline(made.id)
    assert [(each.what, each.at, each.seconds) for each in events] == [
        ("accepted", made.created_at, None),
        ("started", now, None),
        ("completed", now, 0.0),
    ]


@pytest.mark.methods("account", "usage", "rotate_key", "renew_callback_secret")
def test_the_account_is_read_and_its_keys_are_replaced(ours, connect, caller):
    ours.submit(PICTURE_URL, "a lake")
    account = ours.account()
    known = caller.issued.subscription
    assert (account.id, account.state, account.unfinished, account.video_seconds) == (known.id, "active", 1, 5.0)
    assert account.product["name"] == known.product.name
    assert [each.prefix for each in account.keys] == [caller.issued.primary[:9], caller.issued.secondary[:9]]
    concurrent = next(each for each in account.limits if each.name == "concurrent_generations")
    assert (concurrent.remaining, concurrent.resets_at) == (concurrent.limit - 1, None)

    table = ours.usage(["model", "key"])
    assert [each.names for each in table.rows] == [{"model": "ray-1-6", "key": caller.issued.primary[:9]}]
    assert (table.total.generations, table.total.video_seconds, table.total.names) == (1, 5.0, {})
    assert table.last - table.first == timedelta(days=table.last.day - 1)
    assert ours.usage(first=table.last + timedelta(days=1)).rows == []

    made = ours.rotate_key("secondary", timedelta(hours=1))
    assert (made.slot, made.previous_valid_until > account.keys[0].created_at) == ("secondary", True)
    assert connect(caller.edge.server.url, made.key).account().id == known.id
    assert ours.rotate_key("secondary").previous_valid_until is None
    secret = ours.renew_callback_secret()
    assert secret.callback_secret.startswith("whsec_")
    assert made.key not in repr(made)
    assert secret.callback_secret not in repr(secret)


@pytest.mark.parametrize(
    ("ask", "kind", "sentence"),
    [
        (lambda ours: ours.usage(["hour"]), client.InvalidRequest, "must be some of day, model, key"),
        (lambda ours: ours.rotate_key("third"), client.InvalidRequest, "must be primary or secondary"),
        (lambda ours: ours.submit(PICTURE_URL, "no"), client.InvalidRequest, "Prompt is too short"),
        (lambda ours: ours.submit(PICTURE_URL, "a lake", resolution="8k"), client.InvalidRequest, "resolution"),
        (lambda ours: ours.get(new_uuid7()), client.NotFound, "Generation not found"),
        (lambda ours: ours.get("../../x"), client.NotFound, "Not Found"),
        (lambda ours: ours.submit("missing.jpg", "a lake"), client.ImageUnreadable, "missing.jpg cannot be read"),
        (lambda ours: ours.submit(7, "a lake"), client.ImageUnreadable, "int is no picture"),
    ],
)
@pytest.mark.methods("submit", "get")
def test_a_refusal_is_of_its_kind_and_in_the_server_s_words(ours, ask, kind, sentence):
    with pytest.raises(kind, match=sentence) as raised:
        ask(ours)
    if isinstance(raised.value, client.ServerRefused):
        assert raised.value.request_id


@pytest.mark.methods("get")
def test_a_wrong_key_is_not_authenticated(connect, edge):
    with pytest.raises(client.NotAuthenticated, match="Invalid or missing authentication"):
        connect(edge.server.url, "sm_unknown").list()


@pytest.mark.methods("submit")
def test_the_same_idempotency_key_makes_one_generation(ours):
    first = ours.submit(PICTURE_URL, "a lake", idempotency_key="one")
    assert ours.submit(PICTURE_URL, "a lake", idempotency_key="one").id == first.id
    with pytest.raises(client.InvalidRequest, match="Idempotency-Key"):
        ours.submit(PICTURE_URL, "another lake", idempotency_key="one")


# Against a server that misbehaves to order


@pytest.mark.methods("submit")
def test_what_is_local_is_uploaded_and_named_by_its_address(server, connect):
    server.on("POST", "/uploads", Answer(201, {"id": "1", "url": server.base + "/assets/uploads/1", "expires_at": "x"}))
    server.on("POST", VIDEO, Answer(201, body()))
    connect(server.base).submit(b"\xff\xd8picture", "a lake")
    sent, submitted = server.asked
    assert b'name="file"' in sent.body
    assert b"\xff\xd8picture" in sent.body
    assert sent.headers["authorization"] == "Bearer sm_key"
    assert json.loads(submitted.body)["keyframes"]["frame0"]["url"] == server.base + "/assets/uploads/1"


@pytest.mark.methods("submit")
def test_a_submit_whose_answer_is_lost_is_sent_again_with_the_same_key(server, connect):
    server.on("POST", VIDEO, Answer(0), Answer(503, {"detail": "no"}), Answer(201, body()))
    assert connect(server.base).submit(PICTURE_URL, "a lake").id == ID
    assert len({each.headers["idempotency-key"] for each in server.asked}) == 1
    assert len(server.asked) == 3


@pytest.mark.methods("get")
def test_it_is_not_sent_again_where_that_is_of_no_use(server, connect):
    for answer in (
        Answer(400),
        Answer(429, headers={"x-should-retry": "false"}),
        Answer(429, headers={"Retry-After": "61"}),
    ):
        server.asked.clear()
        server.on("GET", ONE, answer)
        with pytest.raises(client.ServerRefused):
            connect(server.base).get(ID)
        assert len(server.asked) == 1


@pytest.mark.methods("get")
def test_it_gives_up_after_its_tries(server, connect):
    server.on("GET", ONE, Answer(500, {"detail": "a bug"}, {"X-Request-Id": "r-1"}))
    with pytest.raises(client.ServerTrouble, match=r"a bug \(status 500, request r-1\)"):
        connect(server.base, retries=2).get(ID)
    assert len(server.asked) == 3


def test_a_pause_is_the_server_s_or_grows():
    core = Core(random=lambda below: below - 1)
    assert 7 <= core.pause(0, 7.0) < 9
    assert core.pause(3, None) > 2 * core.pause(1, None)


@pytest.mark.methods("delete")
def test_a_delete_whose_answer_was_lost_is_done(server, connect):
    server.on("DELETE", ONE, Answer(0), Answer(404, {"detail": "Generation not found"}))
    connect(server.base).delete(ID)
    with pytest.raises(client.NotFound):
        connect(server.base).delete(ID)


@pytest.mark.methods("wait", "watch")
def test_events_are_followed_and_taken_up_again_where_they_broke_off(server, connect):
    sse = {"Content-Type": "text/event-stream; charset=utf-8"}
    first = b': heartbeat\n\nid: 1\ndata: {"state": "dreaming", "progress": 0.25, "stage": "depth"}\n\nid: 2\nda'
    second = (
        b'id: 2\r\ndata: {"progress": 0.5,\r\ndata: "eta_seconds": 3}\r\n\r\nid: 3\ndata: {"state": "completed"}\n\n'
    )
    server.on("GET", EVENTS, Answer(200, first, sse), Answer(200, second, sse))
    done = body("completed", assets={"video": "http://x/v", "image": "http://x/i"})
    server.on("GET", ONE, Answer(200, body()), Answer(200, done))
    seen = list(connect(server.base).watch(ID))
    assert [(each.state, each.progress) for each in seen] == [
        ("queued", 0.0),
        ("dreaming", 0.25),
        ("dreaming", 0.5),
        ("completed", 1.0),
    ]
    assert (seen[1].stage, seen[2].eta_seconds, seen[3].video_url) == ("depth", 3, "http://x/v")
    assert [each.headers.get("last-event-id") for each in server.asked if each.path == EVENTS] == [None, "1"]


@pytest.mark.methods("watch")
def test_what_is_being_made_is_shown_for_as_long_as_events_say_where(server, connect):
    sse = {"Content-Type": "text/event-stream; charset=utf-8"}
    told = (
        b'id: 1\ndata: {"state": "dreaming", "progress": 0.25, "preview": "http://x/p.jpg"}\n\n'
        b'id: 2\ndata: {"state": "queued", "progress": 0.0}\n\nid: 3\ndata: {"state": "completed"}\n\n'
    )
    server.on("GET", EVENTS, Answer(200, told, sse))
    server.on("GET", ONE, Answer(200, body()), Answer(200, body("completed")))
    seen = list(connect(server.base).watch(ID))
    assert [each.preview_url for each in seen] == [None, "http://x/p.jpg", None, None]


@pytest.mark.methods("wait")
def test_without_events_it_polls(server, connect):
    server.on(
        "GET", ONE, Answer(200, body()), Answer(200, body("dreaming", progress=0.5)), Answer(200, body("completed"))
    )
    told = []
    done = connect(server.base).wait(ID, on_progress=told.append)
    assert [each.state for each in told] == ["queued", "dreaming", "completed"]
    assert done == told[-1]


@pytest.mark.methods("wait")
def test_waiting_ends_at_its_timeout(server, connect):
    server.on("GET", ONE, Answer(200, body("dreaming")))
    with pytest.raises(client.StillRunning, match="is still dreaming") as raised:
        connect(server.base).wait(ID, timeout=0.3)
    assert raised.value.generation.id == ID


@pytest.mark.methods("get")
def test_whoever_waits_is_told_why_and_how_long(server, connect):
    limited = Answer(
        429, {"detail": "Rate limit exceeded"}, {"Retry-After": "0.2", "X-Stillmotion-Reason": "rate_limited"}
    )
    server.on("GET", ONE, Answer(0), limited, Answer(200, body()))
    told = []
    connect(server.base, on_wait=told.append).get(ID)
    lost, refused = told
    assert isinstance(lost.error, client.NoAnswer)
    assert (type(refused.error), refused.error.reason) == (client.RateLimited, "rate_limited")
    assert 0.2 <= refused.seconds < 0.3


@pytest.mark.methods("wait")
def test_a_server_that_is_away_is_waited_for_and_one_that_refuses_is_not(server, connect):
    away = [Answer(503, {"detail": "no"}), Answer(0)] * 4
    server.on("GET", EVENTS, Answer(404))
    server.on("GET", ONE, Answer(200, body()), *away, Answer(200, body("completed")))
    told = []
    assert connect(server.base, retries=1, on_wait=told.append).wait(ID).state == "completed"
    assert len(told) == len(away)
    server.on("GET", ONE, Answer(200, body()), Answer(404, {"detail": "Generation not found"}))
    with pytest.raises(client.NotFound):
        connect(server.base).wait(ID)


@pytest.mark.methods("get")
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            Answer(403, {"error": "Access denied"}, {"X-Stillmotion-Reason": "quota_spent"}),
            r"\(status 403, quota_spent\)$",
        ),
        (Answer(401, {"error": {"message": "No", "code": "key_unknown"}}), r"^No \(status 401, key_unknown\)$"),
        (Answer(429, {"detail": "No"}, {"Retry-After": "7201"}), r"^No \(status 429\)\. Try again in 3 hours$"),
        (Answer(429, {"detail": "No"}, SPENT), r"\. Try again in 61 s$"),
    ],
)
def test_a_refusal_says_its_reason_and_when_to_come_again(server, connect, answer, said):
    server.on("GET", ONE, answer)
    with pytest.raises(client.ServerRefused, match=said):
        connect(server.base).get(ID)


@pytest.mark.methods("models")
def test_the_models_of_the_key_are_listed(server, connect):
    server.on("GET", "/v1/models", Answer(200, {"object": "list", "data": [{"id": "ray-2"}, {"id": "sora-2"}]}))
    assert connect(server.base).models() == ["ray-2", "sora-2"]
    server.on("GET", "/v1/models", Answer(200, {"object": "list"}))
    with pytest.raises(client.BadAnswer, match="lists no models"):
        connect(server.base).models()


@pytest.mark.methods("submit")
@pytest.mark.skipif(sys.platform == "darwin", reason="file names are Unicode there")
def test_a_file_whose_name_is_no_unicode_is_sent(server, connect, tmp_path):
    path = tmp_path / "\udcff.jpg"
    path.write_bytes(b"\xff\xd8picture")
    server.on("POST", "/uploads", Answer(201, {"id": "1", "url": server.base + "/assets/uploads/1", "expires_at": "x"}))
    server.on("POST", VIDEO, Answer(201, body()))
    connect(server.base).submit(path, "a lake")
    assert b"\xff\xd8picture" in server.asked[0].body


@pytest.mark.parametrize("key", ["", "sm_abcdef…", "sm_key\n", "sm_ä", "sm key"])
def test_what_cannot_be_a_key_is_refused_at_once(key):
    with pytest.raises(client.ClientError, match="copy the whole of it anew"):
        Client("http://127.0.0.1:9", key)


@pytest.mark.methods("get")
def test_nobody_there_is_said_in_a_sentence(connect):
    with pytest.raises(client.NoAnswer, match=r"Nothing answers at http://127\.0\.0\.1:9"):
        connect("http://127.0.0.1:9", retries=0).get(ID)


@pytest.mark.methods("get")
@pytest.mark.parametrize("content", [b"<html>", b"[]", b"{}", {"id": ID}])
def test_another_kind_of_server_is_told_from_ours(server, connect, content):
    server.on("GET", ONE, Answer(200, content))
    with pytest.raises(client.BadAnswer, match="Stillmotion server"):
        connect(server.base).get(ID)
