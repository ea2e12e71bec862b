"""Readiness of a worker host: the lanes that work, and the models that somebody can make just now."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from stillmotion.domain.catalogue import Catalogue
from stillmotion.domain.errors import Unavailable
from stillmotion.worker.host import WorkerHost
from stillmotion.worker.makers.remote import RemoteMaker


class OtherWorkers(Protocol):
    """Workers in processes of their own."""

    @property
    def any_able(self) -> bool:
        """True where one of them can make clips."""
        ...

    @property
    def able(self) -> Sequence[bool]:
        """For each of them, True where it can make clips."""
        ...


async def check_lanes(host: WorkerHost, others: OtherWorkers) -> None:
    """Raise `Unavailable` where no lane works, neither of this host nor of another worker."""
    if host.stopping:
        raise Unavailable("the server is shutting down")
    if not (host.alive or others.any_able):
        raise Unavailable("no renderer is running")


def worker_states(host: WorkerHost, others: OtherWorkers) -> Mapping[str, int]:
    """The number of processes that render, by whether they are ready. A server without a renderer is none."""
    able = [*([host.alive] if host.renders else []), *others.able]
    return {"ready": sum(able), "not_ready": len(able) - sum(able)}


async def check_offer(models: Catalogue, others: Sequence[RemoteMaker], host: WorkerHost) -> None:
    """Raise `Unavailable` for a model that nobody can make just now: no server, and no device here."""
    found = {each.entry.name: each.trouble for each in others}
    found |= {each.name: host.trouble_with(each.engine_name) for each in models.offered() if each.is_local}
    troubles = {name: trouble for name, trouble in found.items() if trouble is not None}
    for model in models.models:
        names = [entry.name for entry in models.route(model)]
        if troubles.keys() >= set(names):
            raise Unavailable(f"nobody makes {model} just now: {'; '.join(troubles[name] for name in names)}")
