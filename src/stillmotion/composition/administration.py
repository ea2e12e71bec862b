"""The operator's use cases over a data directory, for commands and for the administration over HTTP."""

import asyncio
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path

from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.directory.backup import Manifest, write_backup
from stillmotion.adapters.identifiers import new_callback_secret, new_token, new_uuid7
from stillmotion.adapters.notifications import InProcessSignal
from stillmotion.application.administration import Administration
from stillmotion.application.callbacks.delivery import DeliveryLog
from stillmotion.application.models.supervision import ModelReadings, ModelSupervision
from stillmotion.application.operators.action_log import ActionLog
from stillmotion.application.operators.oversight import Oversight
from stillmotion.application.operators.queue_administration import QueueAdministration
from stillmotion.application.operators.service_status import HealthCheck, ServiceStatus, Space
from stillmotion.application.operators.worker_registry import WorkerRegistry
from stillmotion.application.ports.database import Store
from stillmotion.application.ports.notifications import QueueSignal
from stillmotion.application.ports.values import Clock
from stillmotion.application.products import Products
from stillmotion.application.retention import Retention
from stillmotion.application.subscriptions import Subscriptions
from stillmotion.composition.engines import catalogue
from stillmotion.composition.installation import Missing, directory_of, open_storage, opened, storage_marks
from stillmotion.composition.preflight import refuse_elsewhere
from stillmotion.composition.secrets import KEYS, secret_of
from stillmotion.composition.weights import find_weights, pull_tasks
from stillmotion.config import Settings
from stillmotion.domain.subscriptions import Product
from stillmotion.http.app import SURFACES
from stillmotion.outputs import Output
from stillmotion.worker.background.pulls import PullTasks


@contextmanager
def administration(settings: Settings, missing: Missing = Missing.REFUSE) -> Iterator[Administration]:
    """The administration of subscriptions over a data directory that a server may have open."""
    with opened(settings, missing) as store:
        yield administration_over(settings, store)


def administration_over(
    settings: Settings,
    store: Store,
    signal: QueueSignal | None = None,
    pulls: PullTasks | None = None,
    clock: Clock | None = None,
) -> Administration:
    """The administration over an open store.

    `signal` wakes the workers of this process, if there are any. `pulls` are those that a server carries out.
    """
    clock, models, signal = clock or SystemClock(), catalogue(settings), signal or InProcessSignal()
    surfaces = frozenset(surface.name for surface in SURFACES)
    directory = directory_of(settings, Missing.REFUSE)
    peppers = secret_of(settings).derived(KEYS)
    queue = QueueAdministration(store, models, signal, clock)
    return Administration(
        Products(store, new_uuid7, surfaces, models, default_product(settings)),
        Subscriptions(store, clock, new_uuid7, new_token, new_callback_secret, *peppers),
        queue,
        ActionLog(store, clock, new_uuid7),
        Oversight(store, open_storage(settings), signal, clock),
        WorkerRegistry(store, clock),
        ModelSupervision(
            ModelReadings(store, models, clock),
            signal,
            partial(find_weights, settings=settings),
            (pulls or pull_tasks(settings, store, clock)).start,
        ),
        ServiceStatus(store, queue, clock, partial(examined, settings), partial(space_of, directory.root)),
        store,
    )


async def examined(settings: Settings) -> Sequence[HealthCheck]:
    """The checks of `stillmotion doctor` that take no long, made in a thread."""
    from stillmotion.composition.doctor.examination import examine, quick_checks

    found = await asyncio.to_thread(lambda: [*examine(settings, quick_checks(settings))])
    return [HealthCheck(each.name, each.said, each.remedy) for each in found]


def space_of(folder: Path) -> Space:
    """Bytes of the disk that a folder is on."""
    usage = shutil.disk_usage(folder)
    return Space(usage.free, usage.total)


def default_product(settings: Settings) -> Product:
    """The product of a subscription for which no other is named."""
    return Product(
        id=new_uuid7(),
        name="default",
        submits_per_minute=settings.submits_per_minute,
        concurrent_generations=settings.concurrent_generations,
        retention_days=settings.retention_days or None,
    )


@contextmanager
def delivery_log(settings: Settings) -> Iterator[DeliveryLog]:
    """The log of callbacks over a data directory. A server that has it open sees a replay within a second."""
    with opened(settings, Missing.REFUSE) as store:
        yield DeliveryLog(store, store, InProcessSignal(), SystemClock())


@contextmanager
def retention(settings: Settings) -> Iterator[Retention]:
    """Retention over a data directory, which a server may have open, and its storage."""
    with opened(settings, Missing.REFUSE) as store:
        yield Retention(store, open_storage(settings), SystemClock(), storage_marks(settings))


def backup(settings: Settings, output: Output, *, with_objects: bool) -> Manifest:
    """Write a backup of a data directory that a server may have open. Objects in a bucket stay there.

    Raises `SettingsError` for a store in PostgreSQL.
    """
    refuse_elsewhere(settings)
    return write_backup(
        directory_of(settings, Missing.REFUSE),
        output,
        with_objects=with_objects and settings.storage == "local",
        now=SystemClock().now(),
        version=version("stillmotion"),
        secret=secret_of(settings).current,
    )
