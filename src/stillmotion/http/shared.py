"""What belongs to every surface: the paths under `/generations`, with a key in the form of any of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from stillmotion.domain.errors import GenerationNotFound, LimitExceeded, NotAuthenticated, Unavailable
from stillmotion.domain.generation import Generation
from stillmotion.domain.subscriptions import Subscription
from stillmotion.http.asgi import Headers
from stillmotion.http.callbacks import CALLBACK_OPERATIONS
from stillmotion.http.operation import Answer, Call, Nothing, Operation, Surface


class Plan(msgspec.Struct, frozen=True):
    """What the engine made of the words; `plan` is its own JSON, null until the render has ended."""

    id: str
    state: str
    engine: str
    plan: msgspec.Raw


async def get_plan(call: Call, subscription: Subscription, asked: Nothing) -> Answer:
    """The engine's account of a generation."""
    del asked
    generation = await call.services.generations.get(subscription, call.path["id"])
    return Answer(msgspec.json.encode(_plan(generation)), generation.view)


def _plan(generation: Generation) -> Plan:
    state = "failed" if generation.state == "cancelled" else generation.state.value
    plan = msgspec.Raw(generation.plan.encode() if generation.plan else b"null")
    return Plan(generation.id, state, generation.engine, plan)


_EXAMPLE: Mapping[str, Any] = {
    "id": "f25c04db-19f7-4b51-871c-af6ed0b32f55",
    "state": "completed",
    "engine": "parallax/1",
    "plan": {"moves": [["push_in"]], "subject": ["lean"], "ignored": []},
}


def shared_surface(surfaces: Sequence[Surface]) -> Surface:
    """The paths that every product has. The first surface's words refuse."""

    def key_of(headers: Headers, query: bytes) -> str | None:
        keys = (surface.key_of(headers, query) for surface in surfaces)
        return next((key for key in keys if key is not None), None)

    return Surface(
        name="generations",
        key_of=key_of,
        problems=surfaces[0].problems,
        encode=surfaces[0].encode,
        security_schemes={name: each for surface in surfaces for name, each in surface.security_schemes.items()},
        base="/generations/",
        comes_with_all=True,
        operations=(
            Operation(
                operation_id="getPlan",
                method="GET",
                path="/generations/{id}/plan",
                summary="What the engine made of the words",
                description="Which movements were understood and which words were not.",
                parameters={"id": "The generation's id."},
                wire=Nothing,
                answer=Plan,
                answers={"": _EXAMPLE},
                answered="The engine's own account; null until the render has ended.",
                refusals=(NotAuthenticated, GenerationNotFound, LimitExceeded, Exception, Unavailable),
                handle=get_plan,
            ),
            *CALLBACK_OPERATIONS,
        ),
    )
