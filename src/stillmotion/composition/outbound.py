"""Requests to other hosts: for pictures, videos and callbacks, with the guard that the settings ask for."""

from stillmotion.adapters.callbacks import GuardedCallbackSender, sign, why_not_genuine
from stillmotion.adapters.fetch.addresses import AddressPolicy, parse_networks
from stillmotion.adapters.fetch.client import Connections
from stillmotion.adapters.fetch.download import HttpDownload
from stillmotion.adapters.fetch.resolver import NameServers, parse_name_servers
from stillmotion.adapters.fetch.urls import UrlGuard
from stillmotion.adapters.identifiers import new_token
from stillmotion.application.callbacks.trials import CallbackTrials
from stillmotion.application.ports.values import Clock
from stillmotion.config import Settings, SettingsError


def outbound(settings: Settings) -> Connections:
    """The connections to other hosts. Raises `SettingsError`."""
    try:
        policy = AddressPolicy(parse_networks(settings.fetch_allow_cidrs), parse_networks(settings.fetch_deny_cidrs))
        names = NameServers(parse_name_servers(settings.name_servers))
    except ValueError as error:
        raise SettingsError(f"name_servers: {error}. Write name servers like 10.0.0.2 or 10.0.0.2:5353.") from error
    return Connections(
        UrlGuard(policy, frozenset(settings.fetch_allowed_ports) or None), names, contact=settings.contact
    )


def callback_trials(connections: Connections, clock: Clock) -> CallbackTrials:
    """Trials of callbacks over the connections of real ones."""
    sender = GuardedCallbackSender(connections)
    return CallbackTrials(sender, sign, why_not_genuine, connections.guard, clock, new_token)


def image_source(settings: Settings) -> HttpDownload:
    """The source of pictures that a server of these settings has."""
    return HttpDownload(outbound(settings))
