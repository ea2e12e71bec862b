"""Discrete-event model of a fleet over one PostgreSQL, from costs that were measured in the same run.

What takes a lock or waits for the disk is simulated event by event with simpy: submits, claims, completions. Statements
that take processor time alone (polls, renewals, looks of idle workers) are many and short: they are a share of the
cores that the others do not have.
"""

import random
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Any, Final

import simpy

POLL_EVERY, RENEW_EVERY, LOOK_EVERY = 3.0, 1.0, 1.0
"""Seconds between polls of an owner, renewals of a lease, and looks of an idle worker."""

HEADROOM: Final = 1.25
"""Workers for one that is busy."""

FULL: Final = 0.95
"""Share of its time at which a part counts as a wall."""

WARM_UP, WATCHED = 2.0, 8.0
"""Seconds of simulated time before and while figures are taken."""

Steps = Generator[simpy.Event, Any, None]


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds of database processor that a statement takes, and of waits.

    `held` is the part of a claim's processor time for which it holds the clock, and `gap` is its host's time between
    the messages. `hand_over` is the time until the next claim has the clock, and `flush` a wait for the disk.
    """

    submit: float
    batch: float
    poll: float
    claim: float
    held: float
    gap: float
    hand_over: float
    renewal: float
    look: float
    completion: float
    flush: float


@dataclass(frozen=True, slots=True)
class Fleet:
    """Size and load of a fleet: `render` is the seconds of one clip on one worker."""

    per_hour: float
    render: float
    cores: int = 4
    replicas: int = 3

    @property
    def workers(self) -> int:
        """Workers that this load needs."""
        return max(1, round(self.per_hour / 3600 * self.render * HEADROOM))


@dataclass(frozen=True, slots=True)
class Forecast:
    """Shares of time that the parts are busy, and 99th percentiles of waiting in seconds."""

    processor: float
    flush: float
    clock: float
    submit_p99: float
    claim_p99: float

    @property
    def wall(self) -> str | None:
        """The part that is full, the fullest first; None where there is room.

        The disk is none: however many wait for a flush, the next one is for all of them.
        """
        shares = {"processor": self.processor, "clock row": self.clock}
        fullest = max(shares, key=lambda part: shares[part])
        return fullest if shares[fullest] >= FULL else None


class _Database:
    """Cores, a log whose flushes are shared, and the row of the virtual clock that claims hold."""

    def __init__(self, env: simpy.Environment, costs: Costs, cores: int, taken: float, chance: random.Random) -> None:
        self.env, self.costs, self.chance = env, costs, chance
        self.cores = simpy.Resource(env, cores)
        self.clock = simpy.Resource(env, 1)
        self.stretch = 1 / max(0.02, 1 - taken)
        self.busy = {"processor": 0.0, "flush": 0.0, "clock": 0.0}
        self._next_flush: simpy.Event | None = None
        self._flushing = False

    def compute(self, seconds: float) -> Steps:
        """A statement on one core. Its time is exponential around the measured mean."""
        taken = self.chance.expovariate(1 / seconds) if seconds else 0.0
        with self.cores.request() as core:
            yield core
            yield self.env.timeout(taken * self.stretch)
        self.busy["processor"] += taken

    def commit(self) -> Steps:
        """A durable commit: it joins the flush after the one under way."""
        if self._next_flush is None:
            self._next_flush = self.env.event()
            if not self._flushing:
                self.env.process(self._flush())
        yield self._next_flush

    def claim(self, host: Callable[[float], Steps] | None = None) -> Steps:
        """A claim: the clock row is held for its messages, and let go of before the disk is waited for.

        `host` computes in the database's place, where the host has no processor of its own.
        """
        with self.clock.request() as row:
            has_waited = not row.triggered
            yield row
            began = self.env.now
            yield self.env.timeout(self.costs.hand_over * self.stretch if has_waited else 0.0)
            yield from self.compute(self.costs.held)
            yield from (self._wait(self.costs.gap) if host is None else host(self.costs.gap))
            self.busy["clock"] += self.env.now - began
        # What comes before the hold and after it.
        yield from self.compute(max(0.0, self.costs.claim - self.costs.held))
        yield from self.commit()

    def _wait(self, seconds: float) -> Steps:
        yield self.env.timeout(seconds)

    def _flush(self) -> Steps:
        self._flushing = True
        while self._next_flush is not None:
            done, self._next_flush = self._next_flush, None
            yield self.env.timeout(self.costs.flush)
            self.busy["flush"] += self.costs.flush
            done.succeed()
        self._flushing = False


class _Replica:
    """Group commit of one replica: submits that come together share a transaction."""

    def __init__(self, database: _Database) -> None:
        self._database = database
        self._waiting: list[simpy.Event] = []
        self._busy = False

    def submit(self) -> Steps:
        env = self._database.env
        done = env.event()
        self._waiting.append(done)
        if not self._busy:
            env.process(self._write())
        yield done

    def _write(self) -> Steps:
        self._busy = True
        while self._waiting:
            batch, self._waiting = self._waiting, []
            costs = self._database.costs
            yield from self._database.compute(costs.batch + costs.submit * len(batch))
            yield from self._database.commit()
            for done in batch:
                done.succeed()
        self._busy = False


def forecast(fleet: Fleet, costs: Costs, seed: int = 1) -> Forecast:
    """The forecast for a steady load of `fleet`, after a warm-up."""
    chance = random.Random(seed)
    env = simpy.Environment()
    rate = fleet.per_hour / 3600
    running = rate * fleet.render
    background = running / POLL_EVERY * costs.poll + running / RENEW_EVERY * costs.renewal
    background += max(0.0, fleet.workers - running) / LOOK_EVERY * costs.look
    taken = background / fleet.cores
    database = _Database(env, costs, fleet.cores, taken, chance)
    replicas = [_Replica(database) for _ in range(fleet.replicas)]
    submits: list[float] = []
    claims: list[float] = []

    def arrive() -> Steps:
        while True:
            yield env.timeout(chance.expovariate(rate))
            env.process(live())

    def live() -> Steps:
        began = env.now
        yield from chance.choice(replicas).submit()
        submits.append(env.now - began)
        began = env.now
        yield from database.claim()
        claims.append(env.now - began)
        # In a steady state as many renders end as begin, so that a render's end need not be waited for.
        yield from database.compute(costs.completion)
        yield from database.commit()

    env.process(arrive())
    env.run(until=WARM_UP)
    before = dict(database.busy)
    submits.clear()
    claims.clear()
    env.run(until=WARM_UP + WATCHED)
    share = {part: (database.busy[part] - before[part]) / WATCHED for part in before}
    waits = (_p99(submits), _p99(claims))
    return Forecast(min(1.0, share["processor"] / fleet.cores + taken), share["flush"], share["clock"], *waits)


def first_wall(fleet: Fleet, costs: Costs) -> tuple[float, str]:
    """Generations an hour at which the first part of the database is full, and the part."""
    low = high = fleet.per_hour
    while (found := forecast(replace(fleet, per_hour=high), costs)).wall is None:
        low, high = high, high * 2
    wall = found.wall
    for _ in range(4):
        middle = (low + high) / 2
        part = forecast(replace(fleet, per_hour=middle), costs).wall
        low, high = (middle, high) if part is None else (low, middle)
        wall = part or wall
    assert wall is not None
    return high, wall


def claims_a_second(claimers: int, cores: int, costs: Costs, host: float, others: float) -> float:
    """Claims a second of claimers that do nothing else.

    They are threads of one program, which takes `host` seconds of the same cores for each claim, one at a time. Other
    programs have the share `others` of the cores.
    """
    env = simpy.Environment()
    database = _Database(env, costs, cores, others, random.Random(1))
    program = simpy.Resource(env, 1)
    done = [0]

    def compute(seconds: float) -> Steps:
        with program.request() as turn:
            yield turn
            yield from database.compute(seconds)

    def claim() -> Steps:
        while True:
            yield from compute(max(0.0, host - costs.gap))
            yield from database.claim(compute)
            done[0] += 1

    for _ in range(claimers):
        env.process(claim())
    env.run(until=WATCHED)
    return done[0] / WATCHED


def _p99(waits: list[float]) -> float:
    return sorted(waits)[int(len(waits) * 0.99)] if waits else 0.0
