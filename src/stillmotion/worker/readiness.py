"""Readiness of a worker host: the lanes that work, and the models that somebody can make just now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from stillmotion.application.ports.administration import ProcessStore
from stillmotion.application.ports.values import Clock
from stillmotion.domain.catalogue import Catalogue
from stillmotion.domain.errors import Unavailable
from stillmotion.domain.operators.processes import ProcessReport
from stillmotion.domain.operators.queue_controls import WorkerName
from stillmotion.worker.host import WorkerHost
from stillmotion.worker.makers.remote import RemoteMaker


class OtherWorkers(Protocol):
    """Workers in processes of their own."""

    async def able(self) -> Sequence[bool]:
        """For each of them that lives, True where it can make clips."""
        ...


@dataclass(frozen=True, slots=True)
class KnownWorkers:
    """`OtherWorkers` than `name` on all machines, as their heartbeats tell."""

    store: ProcessStore
    clock: Clock
    name: WorkerName

    async def able(self) -> Sequence[bool]:
        """See `OtherWorkers.able`."""
        return [each.is_able for each in await self._living()]

    async def engines(self) -> frozenset[str]:
        """Engines that one of them can make clips of."""
        return frozenset(engine for each in await self._living() if each.is_able for engine in each.engines)

    async def _living(self) -> Sequence[ProcessReport]:
        now, known = self.clock.now(), await self.store.processes()
        return [each for each in known if each.lanes and each.name != self.name and not each.is_silent(now)]


async def check_stays(host: WorkerHost) -> None:
    """Raise `Unavailable` once the process stops."""
    if host.stopping:
        raise Unavailable("the server is shutting down")


async def check_lanes(host: WorkerHost, others: OtherWorkers) -> None:
    """Raise `Unavailable` where no lane works, neither of this host nor of another worker."""
    await check_stays(host)
    if not (host.alive or any(await others.able())):
        raise Unavailable("no renderer is running")


async def worker_states(host: WorkerHost, others: OtherWorkers) -> Mapping[str, int]:
    """The number of processes that render, by whether they are ready. A server without a renderer is none."""
    able = [*([host.alive] if host.renders else []), *await others.able()]
    return {"ready": sum(able), "not_ready": len(able) - sum(able)}


async def check_engines(models: Catalogue, host: WorkerHost, others: KnownWorkers) -> None:
    """Raise `Unavailable` for a model that no worker on any machine can make just now."""
    made = await others.engines() | frozenset(host.engines)
    for model in models.models:
        names = [entry.engine_name for entry in models.route(model)]
        if not made.intersection(names):
            raise Unavailable(f"nobody makes {model} just now: start a worker that offers {' or '.join(names)}")


async def check_offer(models: Catalogue, others: Sequence[RemoteMaker], host: WorkerHost) -> None:
    """Raise `Unavailable` for a model that nobody can make just now: no server, and no device here."""
    found = {each.entry.name: each.trouble for each in others}
    found |= {each.name: host.trouble_with(each.engine_name) for each in models.offered() if each.is_local}
    troubles = {name: trouble for name, trouble in found.items() if trouble is not None}
    for model in models.models:
        names = [entry.name for entry in models.route(model)]
        if troubles.keys() >= set(names):
            raise Unavailable(f"nobody makes {model} just now: {'; '.join(troubles[name] for name in names)}")
