"""What an engine made of the words, for the owner of a generation: `GET /generations/{id}/plan`."""

import msgspec

from stillmotion.application.generations import Generations
from stillmotion.domain.generation import Generation
from stillmotion.http.asgi import HEADERS, JSON_TYPE, NO_STORE, Receive, Reply, Scope, Send, send_reply
from stillmotion.http.endpoint import limit_headers
from stillmotion.http.operation import Surface
from stillmotion.http.problems import EndpointNotFound
from stillmotion.http.services import Services

PREFIX = "/generations/"
SUFFIX = "/plan"


class Plans:
    """Answers with the engine's own JSON. The key may be in the form of any of the surfaces."""

    def __init__(self, services: Services, surfaces: tuple[Surface, ...]) -> None:
        self._services = services
        self._surfaces = surfaces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises what `Guarded` answers."""
        del receive
        generation_id = scope["path"].removeprefix(PREFIX).removesuffix(SUFFIX)
        if scope["method"] not in ("GET", "HEAD") or not scope["path"].endswith(SUFFIX) or "/" in generation_id:
            raise EndpointNotFound(scope["path"])
        subscription = await self._services.access.authenticate(self._key(scope))
        allowance = self._services.read_limits.spend(subscription)
        generations: Generations = self._services.generations
        generation = await generations.get(subscription, generation_id)
        headers = [JSON_TYPE, NO_STORE, *limit_headers(allowance)]
        headers.append((b"x-stillmotion-engine", generation.engine.encode("ascii", "replace")))
        await send_reply(send, Reply(200, _body(generation), headers), method=scope["method"])

    def _key(self, scope: Scope) -> str | None:
        keys = (surface.key_of(scope[HEADERS], scope["query_string"]) for surface in self._surfaces)
        return next((key for key in keys if key is not None), None)


def _body(generation: Generation) -> bytes:
    plan = msgspec.Raw(generation.plan.encode() if generation.plan else b"null")
    state = "failed" if generation.state == "cancelled" else generation.state.value
    return msgspec.json.encode({"id": generation.id, "state": state, "engine": generation.engine, "plan": plan})
