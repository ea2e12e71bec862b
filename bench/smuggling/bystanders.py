"""Honest callers beside an attacker on one server: the answer to each is unlike every other."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

from bench.gateway import poll_request
from bench.history import History
from bench.load import Address, Answer, BadAnswer, Connection, get
from bench.smuggling.speaking import at_the_body, spoken, whole
from bench.smuggling.vectors import Vector, Verdict

BYSTANDERS, ATTACKERS = 32, 8
ANSWER_SECONDS, ATTACK_SECONDS = 20.0, 1.0


@dataclass(slots=True)
class Tally:
    """The outcome: bystanders with their own answer, with another's, and with none; attacks."""

    answered: int = 0
    wrong: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    attacks: int = 0
    hidden: int = 0


async def beside_attackers(address: Address, history: History, vectors: Sequence[Vector], count: int) -> Tally:
    """Let so many requests of bystanders be answered while attackers send vectors at random through the same place."""
    tally, left, over = Tally(), iter(range(count)), asyncio.Event()
    async with asyncio.TaskGroup() as attack:
        for number in range(ATTACKERS):
            attack.create_task(_attack(address, vectors, Random(number), tally, over))
        async with asyncio.TaskGroup() as group:
            for _ in range(BYSTANDERS):
                group.create_task(_stand_by(address, history, left, tally))
        over.set()
    return tally


async def _attack(
    address: Address, vectors: Sequence[Vector], random: Random, tally: Tally, over: asyncio.Event
) -> None:
    while not over.is_set():
        vector = random.choice(vectors)
        pieces = random.choice((whole, at_the_body))(vector)
        with suppress(OSError):
            heard = await spoken(address, pieces, is_head=vector.is_head, patience=ATTACK_SECONDS)
            tally.attacks += 1
            # A proxy may drop a malformed line and read on: that is between it and its caller.
            is_plain = vector.verdict in (Verdict.TAKEN, Verdict.ANSWERED, Verdict.BOTH)
            tally.hidden += is_plain and any(answer.is_hidden for answer in heard.answers)


async def _stand_by(address: Address, history: History, left: Iterator[int], tally: Tally) -> None:
    connection: Connection | None = None
    loop = asyncio.get_running_loop()
    for number in left:
        place = number % len(history.ids)
        request = poll_request(history.key_of(place), history.ids[place]) if number % 3 else get("/healthz")
        expected = f'"{history.ids[place]}"'.encode() if number % 3 else b'"ok"'
        try:
            if connection is None:
                _, connection = await loop.create_connection(Connection, address.host, address.port)
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await connection.ask(request)
        except (BadAnswer, OSError, TimeoutError) as error:
            tally.failed.append(repr(error))
            connection = None
            continue
        tally.answered += 1
        if answer.status == 200 and _is_for(answer, expected, is_poll=bool(number % 3)):
            continue
        if answer.status >= 502:
            tally.failed.append(str(answer.status))
        else:
            tally.wrong.append(f"{answer.status} {answer.body[:60]!r} for {request[:30]!r}")
        connection.close()
        connection = None


def _is_for(answer: Answer, expected: bytes, *, is_poll: bool) -> bool:
    """True for the right answer: a poll's names its generation, the other is that of the health check."""
    return expected in answer.body and (is_poll or len(answer.body) < 40)
