"""`RecordStore.render_times`, and the expectations that are made of them."""

from stillmotion.domain.record.outlook import WorkKind
from stillmotion.domain.record.render_times import pace_of, usual_seconds
from tests.builders import a_request
from tests.contracts.test_outlooks import OTHER, PARALLAX, rendered, submitted


async def test_the_mean_of_each_kind_and_the_pace_of_each_engine_are_told(store, subscription, clock):
    assert await store.render_times([PARALLAX]) == {}
    for seconds, took in ((5.0, 4), (5.0, 6), (2.0, 1)):
        await submitted(store, subscription, clock, seconds=seconds)
        await rendered(store, clock, took)
    times = await store.render_times([PARALLAX, OTHER])
    model = a_request().model
    assert times[WorkKind(PARALLAX, model, "720p", 5)] == 5.0
    assert times[WorkKind(PARALLAX, model, "720p", 2)] == 1.0
    assert round(times[pace_of(PARALLAX)], 2) == round((0.8 + 1.2 + 0.5) / 3, 2)
    assert await store.render_times([OTHER]) == {}


def test_the_usual_time_is_that_of_a_clip_of_the_default_length():
    times = {pace_of(PARALLAX): 1.5}
    assert (usual_seconds(times, PARALLAX), usual_seconds(times, OTHER)) == (7.5, None)
