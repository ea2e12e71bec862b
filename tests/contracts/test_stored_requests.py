"""Stored requests: rows of every earlier schema are still read, and a new row has the same JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillmotion.adapters.store.sql.generation_rows import from_request, objects_of, to_request
from stillmotion.adapters.store.sqlite import open_store
from stillmotion.adapters.store.sqlite.schema import migrations, open_database
from stillmotion.domain.reframing import Placement
from stillmotion.domain.request import AspectRatio, GenerationRequest, Keyframe, Purpose, Resolution, VideoCodec

WRITTEN = [
    (1, '{"prompt":"a lake","seconds":5.0,"resolution":"720p","model":"ray-1-6"}', GenerationRequest("a lake")),
    (
        1,
        (
            '{"prompt":"","seconds":7.5,"resolution":"1080p","model":"ray-2",'
            '"frame0":{"type":"image","url":"https://example.com/a.jpg"},"frame1":{"type":"stored","key":"inputs/g/k"},'
            '"aspect_ratio":"9:16","seed":0,"concepts":["orbit_left","handheld"],"callback_url":"https://example.com/told"}'
        ),
        GenerationRequest(
            "",
            Keyframe(url="https://example.com/a.jpg"),
            Keyframe(key="inputs/g/k"),
            aspect_ratio=AspectRatio.TALL,
            seconds=7.5,
            resolution=Resolution.P1080,
            seed=0,
            concepts=("orbit_left", "handheld"),
            callback_url="https://example.com/told",
            model="ray-2",
        ),
    ),
    (
        1,
        (
            '{"prompt":"on and on","seconds":5.0,"resolution":"720p","model":"ray-1-6",'
            '"frame0":{"type":"generation","id":"g0"},"loop":true}'
        ),
        GenerationRequest("on and on", Keyframe(id="g0"), loop=True),
    ),
    (
        2,
        (
            '{"prompt":"","seconds":5.0,"resolution":"720p","model":"ray-1-6","aspect_ratio":"9:16",'
            '"purpose":"reframe_video","source":"g0","placement":{"left":-20,"top":null,"width":1280,"height":null}}'
        ),
        GenerationRequest(
            "",
            aspect_ratio=AspectRatio.TALL,
            purpose=Purpose.REFRAME,
            source="g0",
            placement=Placement(left=-20, width=1280),
        ),
    ),
    (
        3,
        (
            '{"prompt":"","seconds":12.0,"resolution":"720p","model":"ray-1-6","aspect_ratio":"1:1",'
            '"purpose":"reframe_video","source_url":"https://example.com/film.mp4"}'
        ),
        GenerationRequest(
            "",
            aspect_ratio=AspectRatio.SQUARE,
            seconds=12.0,
            purpose=Purpose.REFRAME,
            source_url="https://example.com/film.mp4",
        ),
    ),
    (
        11,
        '{"prompt":"a lake","seconds":5.0,"resolution":"720p","model":"ray-1-6","negative_prompt":"fog"}',
        GenerationRequest("a lake", negative_prompt="fog"),
    ),
    (
        11,
        '{"prompt":"a lake","seconds":5.0,"resolution":"720p","model":"ray-1-6","codec":"av1"}',
        GenerationRequest("a lake", codec=VideoCodec.AV1),
    ),
]
"""The first schema whose program wrote such a row, its text, and its meaning."""


@pytest.mark.parametrize("version", [each.version for each in migrations()])
async def test_rows_of_every_earlier_schema_are_read(database, clock, version):
    rows = [(text, request) for since, text, request in WRITTEN if since <= version]
    old = open_database(database, migrations()[:version])
    old.execute(
        """
        INSERT INTO products (id, name, surfaces, submits_per_minute, reads_per_minute, concurrent_generations)
            VALUES ('p', 'default', '[]', 1, 1, 1);
        INSERT INTO subscriptions (id, name, product_id, created_at, callback_secret, state)
            VALUES ('s', 'somebody', 'p', 0, 'whsec_', 'active');
        """
    )
    for number, (text, _) in enumerate(rows):
        old.execute(
            "INSERT INTO generations"
            " (id, subscription_id, surface, request, engine, created_at, state, attempt, failures, progress, plan)"
            " VALUES (?, 's', 'gateway', ?, 'parallax/1', 0, 'completed', 1, 0, 1, '')",
            (f"g{number}", text),
        )
    old.close()
    store = open_store(database, clock)
    for number, (_, request) in enumerate(rows):
        assert (await store.owned("s", f"g{number}")).request == request
        assert (await store.view("s", f"g{number}")).request == request
    store.close()


@pytest.mark.parametrize(("text", "request_"), [(text, request) for _, text, request in WRITTEN])
def test_a_request_is_written_as_earlier_programs_wrote_and_read_it(text, request_):
    assert json.loads(from_request(request_)) == json.loads(text)


keyframes = st.none() | st.one_of(
    st.builds(Keyframe, url=st.text()), st.builds(Keyframe, key=st.text()), st.builds(Keyframe, id=st.text())
)
requests = st.builds(
    GenerationRequest,
    prompt=st.text(),
    frame0=keyframes,
    frame1=keyframes,
    aspect_ratio=st.none() | st.sampled_from(AspectRatio),
    loop=st.booleans(),
    seconds=st.floats(1, 12),
    resolution=st.sampled_from(Resolution),
    seed=st.none() | st.integers(0, 2**63 - 1),
    concepts=st.lists(st.text()).map(tuple),
    callback_url=st.none() | st.text(),
    model=st.text(),
    purpose=st.sampled_from(Purpose),
    source=st.none() | st.text(),
    source_url=st.none() | st.text(),
    placement=st.none() | st.builds(Placement, *[st.none() | st.integers(-(2**40), 2**40)] * 4),
    negative_prompt=st.text(),
    codec=st.none() | st.sampled_from(VideoCodec),
)


@given(requests)
def test_a_request_comes_back_as_it_was(request_):
    kept = from_request(request_)
    assert to_request(kept) == request_
    assert objects_of((kept, None, "plan")) == [*request_.stored_keys, "plan"]


def test_a_picture_that_is_in_no_storage_yet_is_not_kept_in_a_row():
    with pytest.raises(TypeError, match="object storage"):
        from_request(GenerationRequest("a walk", Keyframe(content=b"GIF89a")))
