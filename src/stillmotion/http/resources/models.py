"""Models of the caller's product, with all that a form needs to know: `GET /models`."""

from typing import Any, Literal

import msgspec

from stillmotion.domain.errors import InvalidRequest, LimitExceeded, NotAuthenticated, Unavailable
from stillmotion.domain.models.abilities import ModelAbilities, abilities_of
from stillmotion.domain.models.states import ModelState, ModelStates, state_of_route
from stillmotion.domain.record.render_times import RenderTimes, usual_seconds
from stillmotion.domain.subscriptions import Subscription
from stillmotion.http.edge.operation import Call, Operation, OperationResult, Unfiltered

BYTES_PER_GB = 1_000_000_000

StateName = Literal["ready", "loading", "idle", "unavailable", "pullable", "unfit"]


class OfferedModel(msgspec.Struct, frozen=True):
    """A model by its wire name.

    `served_by` are the engines behind it in order: the first that is able makes the clip. `state` is `ready`,
    `loading`, `idle` (it is loaded for the next clip), `unavailable`, `pullable` or `unfit`, for the `reason` given.
    `native` abilities are its own, `emulated` ones have a substitute. `resolutions` and `aspect_ratios` are those that
    make a difference. `memory_bytes` is the GPU memory that it takes. `median_seconds` is measured on clips made here,
    for one of 5 seconds; null before there are any.
    """

    name: str
    engine: str
    served_by: tuple[str, ...]
    state: StateName
    reason: str | None
    native: tuple[str, ...]
    emulated: tuple[str, ...]
    resolutions: tuple[str, ...]
    aspect_ratios: tuple[str, ...]
    min_seconds: float
    max_seconds: float
    fps: int
    takes_seed: bool
    takes_negative_prompt: bool
    concepts: tuple[str, ...]
    licence: str | None
    memory_bytes: int | None
    median_seconds: float | None
    default: bool


class OfferedModels(msgspec.Struct, frozen=True):
    """The models that the caller's product includes."""

    models: tuple[OfferedModel, ...]


async def list_offered(call: Call, subscription: Subscription, asked: Unfiltered) -> OperationResult:
    """The models of the caller's product."""
    del asked
    services, product = call.services, subscription.product
    catalogue = services.generations.catalogue
    states = await services.model_states()
    times = await services.generations.store.render_times([each.engine_name for each in catalogue.offered()])
    listed = (abilities_of(catalogue, product, each) for each in product.included(catalogue.models))
    return OperationResult(
        msgspec.json.encode(OfferedModels(tuple(offered_wire(each, states, times) for each in listed)))
    )


def offered_wire(model: ModelAbilities, states: ModelStates, times: RenderTimes) -> OfferedModel:
    """A model on the wire, as its route's states are."""
    return OfferedModel(**facts_of(model, state_of_route(model.route, states), times))


def facts_of(model: ModelAbilities, state: ModelState, times: RenderTimes) -> dict[str, Any]:
    """Fields of an `OfferedModel`."""
    first = model.first
    return {
        "name": model.name,
        "engine": first.engine_name,
        "served_by": tuple(each.engine_name for each in model.route),
        "state": state.name.value,
        "reason": state.reason,
        "native": model.native,
        "emulated": model.emulated,
        "resolutions": tuple(each.value for each in model.resolutions),
        "aspect_ratios": tuple(each.value for each in model.aspect_ratios),
        "min_seconds": model.min_seconds,
        "max_seconds": model.max_seconds,
        "fps": first.fps,
        "takes_seed": model.takes_seed,
        "takes_negative_prompt": model.takes_negative,
        "concepts": model.concepts,
        "licence": first.licence or None,
        "memory_bytes": round(first.memory_gb * BYTES_PER_GB) or None,
        "median_seconds": usual_seconds(times, first.engine_name),
        "default": model.is_default,
    }


_EXAMPLE = OfferedModels(
    (
        OfferedModel(
            name="ray-2",
            engine="parallax/1",
            served_by=("parallax/1",),
            state="ready",
            reason=None,
            native=("first", "last", "any", "extend", "loop", "concepts"),
            emulated=(),
            resolutions=("540p", "720p", "1080p", "4k"),
            aspect_ratios=("1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21"),
            min_seconds=1.0,
            max_seconds=12.0,
            fps=24,
            takes_seed=True,
            takes_negative_prompt=False,
            concepts=("static", "push_in", "pull_out"),
            licence="Apache-2.0",
            memory_bytes=None,
            median_seconds=6.2,
            default=False,
        ),
    )
)

MODEL_OPERATIONS: tuple[Operation[Subscription, Unfiltered], ...] = (
    Operation(
        operation_id="listOfferedModels",
        method="GET",
        path="/models",
        summary="Your models, and what each can do",
        description="Those of your product, by the names that requests give them. `GET /v1/models` has the same names "
        "in OpenAI's form.",
        wire=Unfiltered,
        answer=OfferedModels,
        answers={"": _EXAMPLE},
        answered="The models.",
        shows_engine=False,
        refusals=(InvalidRequest, NotAuthenticated, LimitExceeded, Exception, Unavailable),
        handle=list_offered,
    ),
)
