"""Uploads of pictures: `POST /uploads`, and the use of their URLs."""

import gc
import itertools
import threading
import tracemalloc
from datetime import timedelta

import pytest

from stillmotion.adapters.identifiers import new_uuid7
from stillmotion.domain.file_types.pictures import MAX_PICTURE_BYTES
from stillmotion.domain.uploads import MAX_KEPT, MAX_KEPT_BYTES, Upload

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20
BOUNDARIES = itertools.count()


def form(*parts: tuple[str, bytes]) -> tuple[bytes, dict[str, str]]:
    """A form with files, and its content type. Each form has a boundary of its own."""
    boundary = f"boundary{next(BOUNDARIES)}"
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="x"\r\n\r\n'.encode()
        + content
        + b"\r\n"
        for name, content in parts
    )
    return body + f"--{boundary}--\r\n".encode(), {"Content-Type": f"multipart/form-data; boundary={boundary}"}


def upload(caller, content=PNG, name="file", **headers):
    body, given = form((name, content))
    given |= headers or {"Ocp-Apim-Subscription-Key": caller.issued.primary}
    return caller.edge.ask("POST", "/uploads", body, given)


def test_an_upload_is_answered_with_an_address_that_shows_the_picture(any_edge):
    caller = any_edge.caller()
    answered = upload(caller)
    assert answered.status == 201
    assert set(answered.body) == {"id", "url", "expires_at"}
    assert answered.body["expires_at"] == (any_edge.clock.now() + timedelta(hours=24)).isoformat().replace(
        "+00:00", "Z"
    )
    assert answered.headers["x-request-id"]
    assert answered.headers["ratelimit-limit"]
    shown = any_edge.ask("GET", answered.body["url"].removeprefix(any_edge.server.url))
    assert (shown.status, shown.headers["content-type"], shown.content) == (200, "image/png", PNG)


@pytest.mark.parametrize("scheme", ["Bearer {}", "bearer {}"])
def test_any_surfaces_key_uploads(caller, scheme):
    assert upload(caller, Authorization=scheme.format(caller.issued.secondary)).status == 201


def test_without_a_key_nothing_is_kept(caller):
    assert upload(caller, Authorization="Bearer nobody").status == 401


def test_the_address_stands_where_a_pictures_can(any_edge):
    caller = any_edge.caller()
    url = upload(caller).body["url"]
    answered = caller.submit({"prompt": "leaning girl", "url": url, "end_url": url})
    assert answered.status == 200
    kept = any_edge.run(any_edge.store.find(answered.body["id"])).request
    assert kept.frame0.key is not None
    assert kept.frame0.key.startswith(f"inputs/{answered.body['id']}/")
    shown = any_edge.ask(
        "GET", answered.body["request"]["keyframes"]["frame1"]["url"].removeprefix(any_edge.server.url)
    )
    assert shown.content == PNG


@pytest.mark.parametrize("host", ["https://video.example", "http://10.1.2.3:99/behind/a/proxy"])
def test_the_server_may_be_called_by_another_name_meanwhile(caller, host):
    url = upload(caller).body["url"].replace(caller.edge.server.url, host)
    assert caller.submit({"prompt": "leaning girl", "url": url}).status == 200


def test_anothers_upload_is_refused_like_one_that_never_was(caller, edge):
    url = upload(edge.caller()).body["url"]
    never = url.replace(url.split("/")[-2], "0193b1d2-6f5e-7c31-9d2a-5b0c7f3e8a44")
    foreign, unknown = (caller.submit({"prompt": "leaning girl", "url": each}) for each in (url, never))
    assert foreign.status == unknown.status == 400
    assert foreign.content == unknown.content
    assert foreign.body["details"] == [
        {"field": "url", "message": "is none of your uploads, or has expired: upload the picture again"}
    ]


def test_the_address_in_an_own_record_stands_for_its_picture(any_edge):
    caller = any_edge.caller()
    first = caller.submit({"prompt": "leaning girl", "url": upload(caller).body["url"]}).body
    kept = first["request"]["keyframes"]["frame0"]["url"]
    again = caller.submit({"prompt": "leaning girl", "url": kept})
    assert again.status == 200
    assert again.body["request"]["keyframes"]["frame0"]["url"] != kept
    stranger = any_edge.caller().submit({"prompt": "leaning girl", "url": kept})
    never = kept.replace(first["id"], "0193b1d2-6f5e-7c31-9d2a-5b0c7f3e8a44")
    unknown = caller.submit({"prompt": "leaning girl", "url": never})
    assert (stranger.status, stranger.body["details"]) == (400, unknown.body["details"])
    assert "is a picture of none of your generations" in str(unknown.body)


def test_an_upload_expires_and_leaves_nothing(start):
    edge = start()
    caller = edge.caller()
    made = upload(caller).body
    queued = caller.submit({"prompt": "leaning girl", "url": made["url"]}).body["id"]
    edge.clock.advance(hours=24)
    assert caller.submit({"prompt": "leaning girl", "end_url": made["url"], "url": made["url"]}).status == 400
    key = edge.run(edge.store.find_upload(caller.issued.subscription.id, made["id"])).key
    assert edge.run(edge.services.uploads.expire()) == 1
    assert edge.run(edge.store.find_upload(caller.issued.subscription.id, made["id"])) is None
    assert edge.run(edge.objects.find(key)) is None
    kept = edge.run(edge.store.find(queued)).request.frame0.key
    assert edge.run(edge.objects.find(kept)).size == len(PNG)


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"<svg xmlns='http://www.w3.org/2000/svg'/>", PNG[1:]])
def test_what_is_no_picture_is_refused(caller, content):
    answered = upload(caller, content)
    assert (answered.status, answered.body["details"][0]["field"]) == (400, "file")


def test_a_picture_that_is_too_large_is_refused(caller):
    answered = upload(caller, PNG + bytes(MAX_PICTURE_BYTES))
    assert answered.status == 400
    assert answered.body["details"] == [{"field": "file", "message": "holds more than 20 MiB; make it smaller"}]
    assert answered.headers["connection"] == "close"


def test_the_largest_picture_is_kept(caller):
    assert upload(caller, PNG + bytes(MAX_PICTURE_BYTES - len(PNG))).status == 201


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ([], "file"),
        ([("picture", PNG)], "picture"),
        ([("file", PNG), ("second", PNG)], "second"),
        ([("file", PNG), ("file", PNG)], "file"),
    ],
)
def test_there_is_one_field_and_it_is_the_file(caller, parts, field):
    body, headers = form(*parts)
    answered = caller.post("/uploads", body, **headers)
    assert (answered.status, answered.body["details"][0]["field"]) == (400, field)


@pytest.mark.parametrize(
    "kind", ["application/json", "image/png", "multipart/form-data", "multipart/mixed; boundary=x"]
)
def test_only_a_form_is_taken(caller, kind):
    answered = caller.post("/uploads", PNG, Content_Type=kind)
    assert (answered.status, answered.body["details"][0]["field"]) == (400, "body")


def keep_already(caller, count, size=1):
    """Put so many uploads of so many bytes into the store."""
    edge, owner = caller.edge, caller.issued.subscription.id
    expires_at = edge.clock.now() + timedelta(hours=1)
    for _ in range(count):
        edge.run(edge.store.add_upload(Upload(new_uuid7(), owner, "uploads/elsewhere", size, expires_at)))


@pytest.mark.parametrize(("count", "size"), [(MAX_KEPT - 2, 1), (1, MAX_KEPT_BYTES - 2 * len(PNG))])
def test_a_subscription_keeps_only_so_many(caller, count, size):
    keep_already(caller, count, size)
    answered = [upload(caller) for _ in range(3)]
    assert [each.status for each in answered] == [201, 201, 429]
    assert int(answered[2].headers["retry-after"]) <= 60


def test_many_at_once_are_all_kept(caller):
    statuses = []
    threads = [
        threading.Thread(target=lambda: statuses.append(upload(caller, PNG + bytes(200_000)).status)) for _ in range(40)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [201] * 40


def test_white_space_around_an_uploads_address_is_nothing(caller):
    url = upload(caller).body["url"]
    assert caller.submit({"prompt": "push in", "url": f" {url}\n"}).status == 200


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_refused_upload_leaves_none_of_its_bytes(start, kind):
    """A kept upload leaves none either. The collector of cycles runs seldom in a server, and is off here."""
    caller = start(kind).caller()
    content = PNG[:8] + bytes(4_000_000)
    assert upload(caller, content).status == 201
    keep_already(caller, MAX_KEPT - 3)
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        assert [upload(caller, content).status for _ in range(6)] == [201, 201, 429, 429, 429, 429]
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert after - before < 3_000_000
