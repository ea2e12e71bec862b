"""Readiness checks and measures of a service, for those who watch it."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import Field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from stillmotion.adapters.directory.data_directory import DataDirectory
from stillmotion.application.ports.database import Store
from stillmotion.application.ports.objects import ObjectStore
from stillmotion.config import Settings, setting_fields, setting_text
from stillmotion.domain.catalogue import Catalogue
from stillmotion.http.edge.measures import DiskSpace, Measures
from stillmotion.http.edge.parts import Check, WatchedParts
from stillmotion.http.edge.services import SettingView
from stillmotion.worker.host import WorkerHost
from stillmotion.worker.makers.remote import RemoteMaker
from stillmotion.worker.readiness import check_lanes, check_offer, worker_states


class PartChecks(NamedTuple):
    """The checks of the parts that readiness depends on, and the parts that it only tells of."""

    readiness: Mapping[str, Check]
    watched: WatchedParts


def checks(
    settings: Settings,
    store: Store,
    objects: ObjectStore,
    directory: DataDirectory,
    models: Catalogue,
    host: WorkerHost,
    others: Sequence[RemoteMaker],
) -> PartChecks:
    """The readiness checks, by the name that each part has in `/readyz`.

    A server that is alone needs all parts. One of several needs the store alone: without workers or storage it still
    answers polls, and all servers would leave the balancer together.
    """
    parts: Mapping[str, Check] = {
        "store": store.check,
        "storage": objects.check,
        "worker": partial(check_lanes, host, directory.workers),
        "servers": partial(check_offer, models, others, host),
    }
    if settings.store == "local":
        return PartChecks(parts, WatchedParts())
    return PartChecks(
        {"store": store.check}, WatchedParts({name: check for name, check in parts.items() if name != "store"})
    )


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


def measures(store: Store, directory: DataDirectory, host: WorkerHost) -> Measures:
    """The sources of the installation's metrics."""

    def disk() -> DiskSpace:
        usage = shutil.disk_usage(directory.root)
        return DiskSpace(usage.free, usage.total)

    return Measures(store, store.commit_times, partial(worker_states, host, directory.workers), disk)
