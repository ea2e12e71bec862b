"""The clock of a shared database: processes whose machines' clocks differ tell one time."""

import asyncio
from datetime import timedelta

from stillmotion.adapters.database_clock import SLOW_ROUND_TRIP, DatabaseClock
from stillmotion.domain.errors import StoreUnavailable
from tests.builders import NOON
from tests.waiting import eventually_async


class Machine:
    """A machine whose seconds since boot a test advances."""

    def __init__(self, seconds=0.0):
        self.seconds = seconds

    def elapsed(self):
        return self.seconds


def database(*machines, takes=0.0, at=NOON):
    """A read of the database's time, half-way through a round trip that `takes` seconds of the machines'."""

    async def read():
        for each in machines:
            each.seconds += takes
        return at

    return read


async def test_machines_booted_at_other_times_tell_the_databases_time():
    machines = [Machine(17.0), Machine(1_000_000.0)]
    clocks = [DatabaseClock(each.elapsed) for each in machines]
    for machine, clock in zip(machines, clocks, strict=True):
        await clock.measure(database(machine, takes=0.2))
        assert abs(clock.now() - NOON) == timedelta(seconds=0.1), "half a round trip"
    machines[0].seconds += 3600
    assert clocks[0].now() - NOON == timedelta(seconds=3600.1)


async def test_a_slow_round_trip_is_no_measurement_but_for_the_first():
    machine = Machine()
    clock = DatabaseClock(machine.elapsed)
    await clock.measure(database(machine, takes=10.0))
    before = clock.now()
    assert abs(before - NOON) == timedelta(seconds=5)
    await clock.measure(database(machine, takes=SLOW_ROUND_TRIP + 0.1, at=NOON + timedelta(hours=1)))
    assert clock.now() - before == timedelta(seconds=SLOW_ROUND_TRIP + 0.1)
    await clock.measure(database(machine, at=NOON + timedelta(hours=1)))
    assert clock.now() == NOON + timedelta(hours=1)


async def test_the_last_offset_holds_while_the_database_is_away():
    machine, asked = Machine(), []

    async def read():
        asked.append(1)
        if len(asked) > 1:
            raise StoreUnavailable("it is away")
        return NOON

    clock = DatabaseClock(machine.elapsed)
    following = asyncio.create_task(clock.follow(read, timedelta(milliseconds=1)))
    await eventually_async(lambda: len(asked) > 3)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    machine.seconds += 60
    assert clock.now() == NOON + timedelta(minutes=1)
