"""Discrete-event model of a fleet over one PostgreSQL, from costs that were measured in the same run.

What takes a lock or waits for the disk is simulated event by event with simpy: submits, claims, completions. Statements
that take processor time alone (polls, renewals, looks of idle workers) are many and short: they are a share of the
cores that the others do not have.
"""

import random
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any, Final

import simpy

POLL_EVERY, RENEW_EVERY, LOOK_EVERY = 3.0, 1.0, 1.0
"""Seconds between polls of an owner, renewals of a lease, and looks of an idle worker."""

HEADROOM: Final = 1.25
"""Workers for one that is busy."""

HELD: Final = 4 / 5
"""Share of a claim's messages to the database during which it holds the clock row: all but the first."""

FULL: Final = 0.95
"""Share of its time at which a part counts as a wall."""

WARM_UP, WATCHED = 10.0, 40.0
"""Seconds of simulated time before and while figures are taken."""

Steps = Generator[simpy.Event, Any, None]


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds of database processor a statement takes, of a flush, and of a claimer between its statements."""

    submit: float
    batch: float
    poll: float
    claim: float
    claim_between: float
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
        """The part that is full, the fullest first; None where there is room."""
        shares = {"processor": self.processor, "flush": self.flush, "clock row": self.clock}
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

    def claim(self) -> Steps:
        """A claim: the clock row is held for most of its messages, and let go of before the disk is waited for."""
        yield self.env.timeout((1 - HELD) * self.costs.claim_between)
        with self.clock.request() as row:
            yield row
            began = self.env.now
            yield from self.compute(self.costs.claim)
            yield self.env.timeout(HELD * self.costs.claim_between)
            self.busy["clock"] += self.env.now - began
        yield from self.commit()

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
    low, high = 1_000.0, 1_000.0
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


def claims_a_second(claimers: int, cores: int, costs: Costs) -> float:
    """Claims a second of claimers that do nothing else."""
    env, database = _alone(cores, costs)
    done = [0]

    def claim() -> Steps:
        while True:
            yield from database.claim()
            done[0] += 1

    return _counted(env, [claim() for _ in range(claimers)], done)


def submits_a_second(callers: int, cores: int, costs: Costs) -> float:
    """Submits a second of callers on one replica that wait for each answer."""
    env, database = _alone(cores, costs)
    replica, done = _Replica(database), [0]

    def submit() -> Steps:
        while True:
            yield from replica.submit()
            done[0] += 1

    return _counted(env, [submit() for _ in range(callers)], done)


def clips_a_second(workers: int, render: float, cores: int, costs: Costs) -> float:
    """Clips a second of workers that always find work."""
    env, database = _alone(cores, costs)
    done = [0]

    def work() -> Steps:
        while True:
            yield from database.claim()
            yield env.timeout(render)
            yield from database.compute(costs.completion)
            yield from database.commit()
            done[0] += 1

    return _counted(env, [work() for _ in range(workers)], done)


def _alone(cores: int, costs: Costs) -> tuple[simpy.Environment, _Database]:
    env = simpy.Environment()
    return env, _Database(env, costs, cores, 0.0, random.Random(1))


def _counted(env: simpy.Environment, work: list[Any], done: list[int]) -> float:
    for each in work:
        env.process(each)
    env.run(until=WATCHED)
    return done[0] / WATCHED


def _p99(waits: list[float]) -> float:
    return sorted(waits)[int(len(waits) * 0.99)] if waits else 0.0
