"""Entrance of a service: the keys, sessions and callers without a key that it lets in."""

from typing import NamedTuple

from stillmotion.adapters.identifiers import new_token
from stillmotion.application.access import Access
from stillmotion.application.administration import AdminAccess
from stillmotion.application.ports.database import Store
from stillmotion.application.ports.notifications import QueueSignal
from stillmotion.application.ports.record import UsageLedger
from stillmotion.application.ports.values import Clock
from stillmotion.application.sessions import Sessions
from stillmotion.application.subscriptions import Subscriptions
from stillmotion.composition.administration import administration_over
from stillmotion.config import Settings
from stillmotion.http.edge.keyless import Keyless
from stillmotion.http.edge.keyless import opened as opened_to_all
from stillmotion.worker.background.pulls import PullTasks


class Entrance(NamedTuple):
    """The services that tell callers apart, and what each has used. `keyless` is None unless the machine is open."""

    access: Access
    admin: AdminAccess
    sessions: Sessions
    subscriptions: Subscriptions
    ledger: UsageLedger
    keyless: Keyless | None


async def entrance(settings: Settings, store: Store, clock: Clock, signal: QueueSignal, pulls: PullTasks) -> Entrance:
    """The entrance over an open store. Raises `OpenToOthers`."""
    office = administration_over(settings, store, signal, pulls, clock)
    access = Access(store, clock, office.subscriptions.pepper, office.subscriptions.pepper_before)
    admin = AdminAccess(office, clock, settings.admin_key or "")
    keyless = None
    if settings.open:
        keyless = await opened_to_all(office, settings.host, settings.public_url, settings.cors_origins)
    sessions = Sessions(store, access, admin, clock, new_token)
    return Entrance(access, admin, sessions, office.subscriptions, store, keyless)
