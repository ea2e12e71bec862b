"""The record of a generation, as a real worker tells it."""

from stillmotion import Client
from tests.end_to_end.conftest import small_picture
from tests.waiting import eventually

ORDER = ["waiting", "fetching", "loading", "rendering", "encoding", "storing"]


def test_a_clip_tells_its_stage_and_the_one_behind_it_its_place(make_running):
    running = make_running(STILLMOTION_RENDERERS="1")
    with Client(running.base, running.key) as client:
        client.generate(small_picture(), "push in", seconds=1)
        made, behind = (client.submit(small_picture(), "orbit left", seconds=12, seed=7) for _ in range(2))
        seen, waiting = [], []

        def has_ended():
            now = client.get(made.id)
            seen.append(now)
            waiting.append(client.get(behind.id))
            return now.has_ended

        eventually(has_ended, within=60)
        stages = list(dict.fromkeys(each.stage for each in seen if each.stage))
        assert stages == sorted(stages, key=ORDER.index)
        assert "rendering" in stages
        places = [each for each in waiting if each.queue_position is not None]
        assert {each.queue_position for each in places[-3:]} == {1}
        left = [each.eta_seconds for each in places]
        assert None not in left
        assert left[-1] < max(left)
        done = seen[-1]
        assert (done.seed, done.stage, done.queue_position, done.eta_seconds) == (7, None, None, None)
        assert done.width > done.height > 0
        assert done.started_at < done.finished_at
        started, completed = client.timeline(made.id)[1:]
        assert (started.what, completed.what, completed.attempt) == ("started", "completed", 1)
        assert started.worker == completed.worker
        assert completed.seconds > 0.1
