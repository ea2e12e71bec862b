"""All routes of the service as one ASGI application."""

import itertools
from collections.abc import Awaitable, Callable, Mapping

from stillmotion.application.assets import AssetUrls
from stillmotion.application.ports import Dialects
from stillmotion.domain.generation import Generation
from stillmotion.http.asgi import App, Receive, Scope, Send, send_reply
from stillmotion.http.body import BodyReader
from stillmotion.http.endpoint import EdgeParts, Endpoint
from stillmotion.http.metrics import Metrics
from stillmotion.http.operation import Surface
from stillmotion.http.problems import EndpointNotFound
from stillmotion.http.services import Services
from stillmotion.http.surfaces.gateway.routes import GATEWAY

SURFACES: tuple[Surface, ...] = (GATEWAY,)
"""Every dialect that is spoken; the first also answers for paths that belong to none."""


def build_app(services: Services) -> App:
    """The whole service over HTTP. It has no lifespan: what it works with is started and stopped by its caller."""
    numbers = itertools.count(1)
    request_ids = (f"{services.run_id}-{number:06x}" for number in numbers)
    parts = EdgeParts(services, BodyReader(), Metrics(services.registry), request_ids)
    endpoints: dict[str, dict[str, App]] = {}
    for surface in SURFACES:
        for operation in surface.operations:
            endpoints.setdefault(operation.path, {})[operation.method] = Endpoint(operation, surface, parts)
    return Edge(endpoints, services)


def dialects(asset_urls: AssetUrls, base_url: str) -> Dialects:
    """How each surface writes a generation outside of a request, for callbacks. `base_url` starts our own links."""
    base = base_url.rstrip("/")

    def writing(surface: Surface) -> Callable[[Generation], bytes]:
        return lambda generation: surface.encode(generation, lambda key: asset_urls.url(key, base))

    return {surface.name: writing(surface) for surface in SURFACES}


class Edge:
    """Finds the application of a path and method."""

    def __init__(self, endpoints: Mapping[str, Mapping[str, App]], services: Services) -> None:
        self._endpoints = endpoints
        self._services = services

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        methods = self._endpoints.get(scope["path"])
        app = methods.get(scope["method"], self._not_found) if methods is not None else self._not_found
        return app(scope, receive, send)

    async def _not_found(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        await send_reply(send, GATEWAY.problems.reply(EndpointNotFound()))
