"""All routes of the service as one ASGI application."""

import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from stillmotion.application.assets import AssetUrls
from stillmotion.application.ports import Dialects
from stillmotion.domain.generation import Generation, GenerationView
from stillmotion.http import assets, health, openapi
from stillmotion.http.asgi import (
    CLOSE,
    HEADERS,
    JSON_TYPE,
    NO_STORE,
    PATH_VALUES,
    App,
    Headers,
    Receive,
    Reply,
    Scope,
    Send,
    send_reply,
)
from stillmotion.http.body import BodyReader
from stillmotion.http.described import PATHS
from stillmotion.http.endpoint import EdgeParts, Endpoint
from stillmotion.http.guarded import Guarded
from stillmotion.http.metrics import Metrics
from stillmotion.http.operation import LinkTo, Surface
from stillmotion.http.pages import PAGES, Page
from stillmotion.http.problems import EndpointNotFound, MethodNotAllowed
from stillmotion.http.routing import Route, Router
from stillmotion.http.services import Services
from stillmotion.http.shared import shared_surface
from stillmotion.http.surfaces.admin.routes import ADMIN
from stillmotion.http.surfaces.dreammachine.routes import DREAM_MACHINE
from stillmotion.http.surfaces.gateway.routes import GATEWAY
from stillmotion.http.surfaces.openai.routes import OPENAI

SURFACES: tuple[Surface, ...] = (GATEWAY, DREAM_MACHINE, OPENAI)
"""Every dialect that is spoken, as products name them; the first also answers for paths that belong to none."""

ALL_SURFACES: tuple[Surface, ...] = (*SURFACES, shared_surface(SURFACES), ADMIN)

MAX_HEADERS = 100


def build_app(services: Services) -> App:
    """The whole service over HTTP. It has no lifespan: what it works with is started and stopped by its caller."""
    run = services.run_id.encode("ascii")
    request_ids = map((run + b"-%06x").__mod__, itertools.count(1))
    parts = EdgeParts(services, BodyReader(), Metrics(services.registry, services.servers), request_ids)
    others: dict[str, App] = {
        "assets": assets.Assets(services.asset_urls, services.objects, services.generations.digest),
        "too_many_headers": _TOO_MANY_HEADERS,
        "not_one_host": _NOT_ONE_HOST,
    }
    others = {name: Guarded(name, app, parts, GATEWAY.problems) for name, app in others.items()}
    surfaces = [each for each in ALL_SURFACES if each is not ADMIN or services.admin is not None]
    return Edge(Router(_endpoints(parts, surfaces) | _readable(parts, surfaces)), others, parts, surfaces)


def dialects(asset_urls: AssetUrls, base_url: str) -> Dialects:
    """How each surface writes a generation outside of a request, for callbacks. `base_url` starts our own links."""
    base = base_url.rstrip("/")

    def writing(encode: Callable[[GenerationView, LinkTo], bytes]) -> Callable[[Generation], bytes]:
        return lambda generation: encode(generation.view, asset_urls.links(lambda: base))

    return {surface.name: writing(surface.encode) for surface in SURFACES if surface.encode is not None}


class Edge:
    """Finds the application of a path and method, or refuses in the words of the surface that the path is under."""

    def __init__(
        self, router: Router, others: Mapping[str, App], parts: EdgeParts, surfaces: Sequence[Surface]
    ) -> None:
        self._router = router
        self._plain = router.plain
        self._others = others
        self._refusing = {
            surface.base: Guarded("not_found", self._refuse_path, parts, surface.problems)
            for surface in sorted(surfaces, key=lambda each: len(each.base), reverse=True)
        }

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request."""
        pairs = scope["headers"]
        headers: Headers = scope[HEADERS]
        app = self._plain.get((scope["path"], scope["method"]))
        if len(pairs) > MAX_HEADERS:
            app = self._others["too_many_headers"]
        elif b"host" in headers.repeated or (b"host" not in headers and scope["http_version"] == "1.1"):
            app = self._others["not_one_host"]
        elif app is None:
            app = self._elsewhere(scope)
        return app(scope, receive, send)

    def _elsewhere(self, scope: Scope) -> App:
        """The application of a path that is in no table as it is."""
        path = scope["path"]
        if path.startswith(assets.PREFIX):
            return self._others["assets"]
        found = self._router.find(path, scope["method"])
        if found is not None:
            app, scope[PATH_VALUES] = found
            return app
        return next(app for base, app in self._refusing.items() if path.startswith(base) or base == "/")

    async def _refuse_path(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive, send
        methods = self._router.methods(scope["path"])
        raise MethodNotAllowed(scope["path"], methods) if methods else EndpointNotFound(scope["path"])


def _answering(reply: Reply) -> App:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        await send_reply(send, reply, method=scope["method"])

    return answer


def _malformed(status: int, sentence: str) -> App:
    """Answers what is not even a request of a surface; the connection is not used again."""
    body = msgspec.json.encode({"error": sentence})
    return _answering(Reply(status, body, [JSON_TYPE, NO_STORE, CLOSE]))


_TOO_MANY_HEADERS = _malformed(431, f"A request has {MAX_HEADERS} headers at most")
_NOT_ONE_HOST = _malformed(400, "A request has one Host header")


def _endpoints(parts: EdgeParts, surfaces: Sequence[Surface]) -> dict[Route, App]:
    """All operations; what answers to GET answers to HEAD."""
    apps: dict[Route, App] = {}
    for surface in surfaces:
        for operation in surface.operations:
            endpoint = Endpoint(operation, surface, parts)
            for method in ("GET", "HEAD") if operation.method == "GET" else (operation.method,):
                apps[operation.path, method] = endpoint
    return apps


def _readable(parts: EdgeParts, surfaces: Sequence[Surface]) -> dict[Route, App]:
    """What is there for GET and HEAD: health, the reference, the pages."""
    services = parts.services
    document = msgspec.json.encode(openapi.document(surfaces, PATHS, services.version))
    apps: dict[str, App] = {
        "/healthz": health.alive,
        "/readyz": health.Readiness(services.readiness, services.clock, services.servers),
        "/metrics": health.MetricsPage(parts.metrics, services.generations.store),
        "/openapi.json": _answering(Reply(200, document, [JSON_TYPE, NO_STORE])),
        **{path: Page(name) for path, name in PAGES.items()},
    }
    guarded = {path: Guarded(_name(path), app, parts, GATEWAY.problems) for path, app in apps.items()}
    return {(path, method): app for path, app in guarded.items() for method in ("GET", "HEAD")}


def _name(path: str) -> str:
    """What a page's requests are counted as."""
    return "pages" if path in PAGES else path.strip("/")
