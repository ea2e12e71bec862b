"""All routes of the service as one handler."""

import itertools
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import msgspec
from aiohttp import web

from stillmotion.application.download_urls import LIFETIME, AssetUrls
from stillmotion.application.ports.store import Dialects
from stillmotion.domain.generation import Generation, GenerationView
from stillmotion.domain.rendering import RESAMPLER
from stillmotion.http.console.files import ConsoleFile, origin_of, paths
from stillmotion.http.edge.access_lines import AccessLines
from stillmotion.http.edge.cors import Origins
from stillmotion.http.edge.endpoint import Endpoint
from stillmotion.http.edge.error_boundary import Answering, EdgeParts, PlainEndpoint
from stillmotion.http.edge.measures import InstallationMetrics, LabelValues
from stillmotion.http.edge.metrics import Metrics
from stillmotion.http.edge.operation import LinkTo, Surface
from stillmotion.http.edge.refusals import EndpointNotFound, MethodNotAllowed
from stillmotion.http.edge.routing import Route, Router
from stillmotion.http.edge.services import Services
from stillmotion.http.openapi import document as openapi
from stillmotion.http.openapi.static_paths import PATHS
from stillmotion.http.parsing.body import BodyReader
from stillmotion.http.resources import downloads as assets
from stillmotion.http.resources import health
from stillmotion.http.resources.generations import shared_surface
from stillmotion.http.resources.history.shared_page import SHARED_CLIP, SharedClips
from stillmotion.http.resources.pages import PAGES, StaticPage
from stillmotion.http.resources.sessions import session_surface
from stillmotion.http.server.path_prefix import PathPrefix, prefix_of
from stillmotion.http.server.replies import JSON_TYPE, NO_STORE, Handler, Refusing, Reply
from stillmotion.http.server.request import Request
from stillmotion.http.surfaces.admin.routes import ADMIN
from stillmotion.http.surfaces.dreammachine.changes import CHANGE_OPERATIONS
from stillmotion.http.surfaces.dreammachine.planning import PLAN_OPERATION
from stillmotion.http.surfaces.dreammachine.routes import DREAM_MACHINE
from stillmotion.http.surfaces.gateway.routes import GATEWAY
from stillmotion.http.surfaces.openai.routes import OPENAI

SURFACES: tuple[Surface, ...] = (GATEWAY, DREAM_MACHINE, OPENAI)
"""All dialects, by their names in products; the first also answers for paths of none."""

SHARED: tuple[Surface, ...] = (
    shared_surface(SURFACES, PLAN_OPERATION, *CHANGE_OPERATIONS),
    session_surface(GATEWAY.problems),
)
"""Paths that every product includes."""

ALL_SURFACES: tuple[Surface, ...] = (*SURFACES, *SHARED, ADMIN)


class App(NamedTuple):
    """The whole service over HTTP: a handler, and the words for requests that the server refuses before it."""

    handler: Handler
    refuse: Refusing


def build_app(services: Services) -> App:
    """All routes over these services, which the caller starts and stops."""
    request_ids = map((services.run_id + "-%06x").__mod__, itertools.count(1))
    installation = _installation(services)
    parts = EdgeParts(
        services,
        BodyReader.returning(services.return_memory),
        Metrics(services.registry, installation),
        request_ids,
        AccessLines(services.access_log),
    )
    surfaces = [each for each in ALL_SURFACES if each is not ADMIN or services.admin is not None]
    downloads = assets.Downloads(services.asset_urls, services.objects, services.generations.store)
    router = Router(_endpoints(parts, surfaces) | _readable(parts, surfaces, installation))
    named = f"{assets.PREFIX}{{key}}"
    edge = Edge(router, PlainEndpoint("assets", downloads, parts, GATEWAY.problems, named), parts, surfaces)
    handler: Handler = Origins(edge, services.cors_origins, assets.PREFIX)
    prefix = prefix_of(services.public_url)
    return App(PathPrefix(handler, prefix, edge.is_known) if prefix else handler, parts.refuse)


def dialects(asset_urls: AssetUrls, base_url: str) -> Dialects:
    """Encoders of a generation for callbacks, by surface. `base_url` begins our own links."""
    base = base_url.rstrip("/")

    def writing(encode: Callable[[GenerationView, LinkTo], bytes]) -> Callable[[Generation], bytes]:
        return lambda generation: encode(generation.view, asset_urls.links(base))

    return {surface.name: writing(surface.encode) for surface in SURFACES if surface.encode is not None}


class Edge:
    """Router of a path and method; it refuses in the words of the surface whose prefix the path has."""

    def __init__(self, router: Router, downloads: Handler, parts: EdgeParts, surfaces: Sequence[Surface]) -> None:
        self._router = router
        self._downloads = downloads
        self._refusing = {
            surface.base: PlainEndpoint("not_found", self._refuse_path, parts, surface.problems)
            for surface in sorted(surfaces, key=lambda each: len(each.base), reverse=True)
        }

    def __call__(self, request: Request) -> Awaitable[web.StreamResponse]:
        """Answer one request."""
        path = request.route
        found = self._router.find(path, request.method)
        if found is not None:
            handler, request.path_values = found
        elif path.startswith(assets.PREFIX):
            handler = self._downloads
        else:
            handler = next(each for base, each in self._refusing.items() if path.startswith(base) or base == "/")
        return handler(request)

    def is_known(self, path: str) -> bool:
        """True for a path that has a handler for any method."""
        return path.startswith(assets.PREFIX) or bool(self._router.methods(path))

    async def _refuse_path(self, request: Request) -> Reply:
        methods = self._router.methods(request.route)
        raise MethodNotAllowed(request.route, methods) if methods else EndpointNotFound(request.route)


def _installation(services: Services) -> InstallationMetrics:
    catalogue = services.generations.catalogue
    engines = (*(each.engine_name for each in catalogue.offered()), RESAMPLER)
    known = LabelValues([each.name for each in SURFACES], catalogue.models, engines, services.servers)
    return InstallationMetrics(services.measures, services.generations.store, services.clock, services.version, known)


def _endpoints(parts: EdgeParts, surfaces: Sequence[Surface]) -> dict[Route, Handler]:
    """Endpoints of all operations; each GET serves HEAD too."""
    handlers: dict[Route, Handler] = {}
    for surface in surfaces:
        for operation in surface.operations:
            endpoint = Endpoint(operation, surface, parts)
            for method in ("GET", "HEAD") if operation.method == "GET" else (operation.method,):
                handlers[operation.path, method] = endpoint
    return handlers


def _readable(parts: EdgeParts, surfaces: Sequence[Surface], installation: InstallationMetrics) -> dict[Route, Handler]:
    """Handlers for GET and HEAD: health, the reference, the pages."""
    services = parts.services
    bucket = origin_of(services.objects.direct_url("console", LIFETIME))
    document = msgspec.json.encode(openapi.document(surfaces, PATHS, services.version, services.public_url))
    answering: dict[str, Answering] = {
        "/healthz": health.alive,
        "/readyz": health.Readiness(
            services.readiness, services.clock, services.timing.check, services.servers, services.watched
        ),
        "/metrics": health.MetricsPage(parts.metrics, installation),
        "/openapi.json": _always(Reply(200, document, [JSON_TYPE, NO_STORE])),
        SHARED_CLIP: SharedClips(services.links, services.objects, services.generations.store),
        **{path: StaticPage(name) for path, name in PAGES.items()},
        **{path: ConsoleFile(file, bucket) for path, file in paths()},
    }
    words = GATEWAY.problems
    endpoints = {path: PlainEndpoint(_name(path), each, parts, words, path) for path, each in answering.items()}
    return {(path, method): each for path, each in endpoints.items() for method in ("GET", "HEAD")}


def _always(reply: Reply) -> Answering:
    async def answer(request: Request) -> Reply:
        del request
        return reply

    return answer


def _name(path: str) -> str:
    """Label of a page's requests in the metrics."""
    is_page = path in PAGES or path in ("/", SHARED_CLIP) or path.startswith("/console/")
    return "pages" if is_page else path.strip("/")
