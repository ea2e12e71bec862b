"""The clock of a running server steps by an hour, back and forward."""

import asyncio
import dataclasses
from datetime import timedelta

import pytest

from bench.soak.invariants import read, violations
from stillmotion.adapters.clock import SystemClock
from stillmotion.domain.lifecycle import State
from stillmotion.worker.background.reaper import Reaper
from stillmotion.worker.timing import WorkerTiming
from tests.end_to_end.conftest import small_picture
from tests.worker.conftest import running as at_work
from tests.worker.conftest import workshop

__all__ = ["workshop"]

HOUR = 3600
LONG = {"prompt": "push in", "url": small_picture(), "resolution": "1080p", "duration": 10}
SHORT = {"prompt": "push in", "url": small_picture(), "resolution": "540p", "duration": 1}


@dataclasses.dataclass
class Stepping:
    """A `Clock` with an error that tests set."""

    off: timedelta = timedelta(0)

    def now(self):
        return SystemClock().now() + self.off

    monotonic = staticmethod(SystemClock.monotonic)


@pytest.mark.parametrize("hours", [24, -24])
async def test_a_step_takes_no_render_from_whoever_is_at_it(workshop, hours):
    hasty = WorkerTiming(reclaim=timedelta(seconds=0.1))
    clock = Stepping()
    work = dataclasses.replace(workshop.work, clock=clock)
    async with at_work(dataclasses.replace(workshop, work=work, clock=clock, timing=hasty)) as bench:
        generation_id = await bench.submit("slow")
        await bench.rendering(generation_id)
        clock.off = timedelta(hours=hours)
        done = await bench.ended(generation_id)
        after = await bench.ended(await bench.submit("a walk"))
    assert (done.state, done.attempt, done.failures, done.losses) == (State.COMPLETED, 1, 0, 0)
    assert (after.state, after.attempt) == (State.COMPLETED, 1)


@pytest.mark.parametrize("hours", [1, -1])
async def test_a_step_takes_no_render_from_another_process(workshop, hours):
    """Another process sees all leases as expired. It must wait until their owners have renewed."""
    hasty = WorkerTiming(renew=timedelta(seconds=0.2), reclaim=timedelta(seconds=0.5))
    clock = Stepping()
    work = dataclasses.replace(workshop.work, clock=clock)
    shop = dataclasses.replace(workshop, work=work, clock=clock, timing=hasty)
    looking = asyncio.create_task(Reaper(shop).run())
    async with at_work(shop) as bench:
        generation_id = await bench.submit("slow slow")
        await bench.rendering(generation_id)
        clock.off = timedelta(hours=hours)
        done = await bench.ended(generation_id)
    looking.cancel()
    assert (done.state, done.attempt, done.losses) == (State.COMPLETED, 1, 0)


@pytest.mark.slow
@pytest.mark.parametrize("odd", [5], indirect=True)
@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_a_clock_that_steps_takes_nothing_from_anyone(odd, step):
    """Renders, places in the queue, idempotency keys and links survive the step, and it lifts no limit."""
    before = odd.submit(SHORT, **{"Idempotency-Key": "before"}).body["id"]
    link = odd.wait_for(before, "completed")["assets"]["video"].removeprefix(odd.base)
    long = odd.submit(LONG).body["id"]
    waiting = odd.submit(SHORT).body["id"]
    odd.wait_for(long, "dreaming")
    odd.oddity(clock=step)
    assert odd.call("GET", link).status == 200
    assert odd.submit(SHORT, **{"Idempotency-Key": "before"}).body["id"] == before
    accepted = [before, long, waiting]
    answers = [odd.submit(SHORT) for _ in range(7)]
    accepted += [each.body["id"] for each in answers if each.status == 200]
    refused = [each for each in answers if each.status == 429]
    assert len(answers) - len(refused) == (2 if step < 0 else 5), (
        "a step back lifts no limit, a step on begins a minute"
    )
    assert {1 <= int(each.headers["retry-after"]) <= 60 for each in refused} == {True}
    for each in accepted:
        assert odd.wait_for(each, "completed", "failed", seconds=90)["state"] == "completed"
    odd.kill()
    odd.oddity(clock=-step)
    odd.start()
    assert {odd.status(each).body["state"] for each in accepted} == {"completed"}
    odd.stop()
    holdings = read(odd.directory)
    assert violations(holdings, accepted) == []
    assert {(row.attempt, row.failures) for row in holdings.rows} == {(1, 0)}


@pytest.mark.slow
@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_what_a_killed_server_rendered_is_taken_up_again_whatever_the_clock_says(odd, step):
    long = odd.submit(LONG).body["id"]
    odd.wait_for(long, "dreaming")
    odd.kill()
    odd.oddity(clock=step)
    odd.start()
    assert odd.wait_for(long, "completed", "failed", seconds=60)["state"] == "completed"
    odd.stop()
    (row,) = read(odd.directory).rows
    assert (row.attempt, row.failures) == (2, 0)
