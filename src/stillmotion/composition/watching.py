"""Readiness checks and measures of a service, for those who watch it."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import Field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from stillmotion.adapters.directory.data_directory import DataDirectory
from stillmotion.application.leases import Work
from stillmotion.application.ports.administration import ProcessStore
from stillmotion.application.ports.database import Store
from stillmotion.application.ports.objects import ObjectStore
from stillmotion.config import Settings, setting_fields, setting_text
from stillmotion.config.store_urls import is_shared
from stillmotion.domain.catalogue import Catalogue
from stillmotion.http.edge.measures import DiskSpace, Measures
from stillmotion.http.edge.parts import Check, WatchedParts
from stillmotion.http.edge.services import SettingView
from stillmotion.worker.host import WorkerHost
from stillmotion.worker.makers.remote import RemoteMaker
from stillmotion.worker.readiness import (
    KnownWorkers,
    OtherWorkers,
    check_engines,
    check_lanes,
    check_offer,
    check_stays,
    worker_states,
)


class PartChecks(NamedTuple):
    """The checks of the parts that readiness depends on, and the parts that it only tells of."""

    readiness: Mapping[str, Check]
    watched: WatchedParts


def checks(
    settings: Settings,
    store: Store,
    objects: ObjectStore,
    models: Catalogue,
    host: WorkerHost,
    others: Sequence[RemoteMaker],
    workers: OtherWorkers,
) -> PartChecks:
    """The readiness checks, by the name that each part has in `/readyz`.

    A server that is alone needs all parts. One of several needs the store alone: without workers or storage it still
    answers polls, and all servers would leave the balancer together.
    """
    parts: Mapping[str, Check] = {
        "storage": objects.check,
        "worker": partial(check_lanes, host, workers),
        "servers": partial(check_offer, models, others, host),
    }
    if not is_shared(settings.store):
        return PartChecks({"store": store.check, **parts}, WatchedParts())
    needed: Mapping[str, Check] = {"store": store.check, "server": partial(check_stays, host)}
    made: dict[str, Check] = (
        {"models": partial(check_engines, models, host, workers)} if isinstance(workers, KnownWorkers) else {}
    )
    return PartChecks(needed, WatchedParts({**parts, **made}))


def setting_views(settings: Settings) -> Sequence[SettingView]:
    """Every setting as administrators see it, a secret one without its value."""
    return [
        SettingView(
            each.name,
            _shown(each, getattr(settings, each.name)),
            settings.sources.get(each.name, "default"),
            each.metadata["secret"],
        )
        for each in setting_fields()
    ]


def _shown(each: Field[Any], value: object) -> object:
    if each.metadata["secret"]:
        return "set" if value else None
    if each.metadata["as_shown"] is not None:
        return setting_text(each, value)
    if isinstance(value, Mapping):
        return dict(value)
    return str(value) if isinstance(value, Path) else value


def other_workers(settings: Settings, store: ProcessStore, directory: DataDirectory, work: Work) -> OtherWorkers:
    """The workers in other processes: those of this directory, or those that share the store."""
    if is_shared(settings.store):
        return KnownWorkers(store, work.clock, work.worker)
    return directory.workers


def measures(store: Store, directory: DataDirectory, host: WorkerHost, workers: OtherWorkers) -> Measures:
    """The sources of the installation's metrics."""

    def disk() -> DiskSpace:
        usage = shutil.disk_usage(directory.root)
        return DiskSpace(usage.free, usage.total)

    return Measures(store, store.commit_times, partial(worker_states, host, workers), disk)
