"""Models for operators: the whole catalogue, wishes to load and unload, pulls of weights."""

from typing import Any, Final

import msgspec
from msgspec import Struct

from stillmotion.application.administration import Administration
from stillmotion.application.models.supervision import ShelvedModel
from stillmotion.domain.errors import ModelNotFound
from stillmotion.domain.models.abilities import abilities_along
from stillmotion.domain.models.pulls import Pull
from stillmotion.domain.request import DEFAULT_MODEL
from stillmotion.domain.subscriptions import Product
from stillmotion.http.edge.operation import Call, Nothing, Operation, OperationResult, Unfiltered
from stillmotion.http.resources.models import OfferedModel, facts_of
from stillmotion.http.surfaces.admin.operations import ACTOR, SHARED, office_operation

_ENCODE = msgspec.json.Encoder().encode
_EVERYTHING: Final = Product(id="", name="everything")


class WeightsInfo(Struct, frozen=True):
    """Weights of a model here. `bytes` is null where there are none, `trouble` where they are whole."""

    bytes: int | None
    trouble: str | None


class CatalogueModel(OfferedModel, frozen=True):
    """A model of the catalogue by its own name, and the wire names in `models` that stand for it.

    `weights` is null for a model without any. `licence_accepted` is false where the licence is still to be accepted.
    """

    models: tuple[str, ...]
    summary: str
    weights: WeightsInfo | None
    licence_accepted: bool
    territory: str | None


class CatalogueModels(Struct, frozen=True):
    """The catalogue: the offered models first."""

    models: tuple[CatalogueModel, ...]


class PullInfo(Struct, frozen=True):
    """The latest pull of a model's weights.

    `state` is `none`, `pulling`, `done`, `failed`, `cancelled`, or `interrupted` where the server was stopped.
    A pull that did not end goes on from its `bytes` with the next one.
    """

    state: str
    bytes: int
    total_bytes: int | None
    seconds_left: float | None
    error: str | None


def catalogue_model(shelved: ShelvedModel) -> CatalogueModel:
    """A model of the catalogue in the administration's words."""
    entry, weights = shelved.entry, shelved.weights
    abilities = abilities_along(entry.name, (entry,), _EVERYTHING, is_default=DEFAULT_MODEL in shelved.names)
    return CatalogueModel(
        **facts_of(abilities, shelved.state, shelved.times),
        models=shelved.names,
        summary=entry.summary,
        weights=None if weights is None else WeightsInfo(weights.size, weights.trouble),
        licence_accepted=not entry.must_be_accepted or weights is None or weights.is_accepted,
        territory=entry.territory or None,
    )


def pull_info(pull: Pull) -> PullInfo:
    """A pull in the administration's words."""
    left = pull.seconds_left
    return PullInfo(pull.state.value, pull.there, pull.total, None if left is None else round(left, 1), pull.error)


async def list_catalogue(call: Call, office: Administration, asked: Unfiltered) -> OperationResult:
    """Every model of the catalogue."""
    del call, asked
    shelf = await office.models.shelf()
    return OperationResult(_ENCODE(CatalogueModels(tuple(catalogue_model(each) for each in shelf))))


async def load_model(call: Call, office: Administration, asked: Nothing) -> OperationResult:
    """Have a model loaded."""
    del asked
    return _model(await office.models.load(call.path["name"], ACTOR))


async def unload_model(call: Call, office: Administration, asked: Nothing) -> OperationResult:
    """Have a model unloaded."""
    del asked
    return _model(await office.models.unload(call.path["name"], ACTOR))


async def pull_model(call: Call, office: Administration, asked: Nothing) -> OperationResult:
    """Begin a pull, or go on with the last one."""
    del asked
    return _pull(await office.models.pull(call.path["name"]), 202)


async def get_pull(call: Call, office: Administration, asked: Nothing) -> OperationResult:
    """The latest pull of a model."""
    del asked
    return _pull(await office.models.pull_of(call.path["name"]))


async def cancel_pull(call: Call, office: Administration, asked: Nothing) -> OperationResult:
    """Stop a pull."""
    del asked
    return _pull(await office.models.cancel_pull(call.path["name"]))


def _model(shelved: ShelvedModel) -> OperationResult:
    return OperationResult(_ENCODE(catalogue_model(shelved)), status=202)


def _pull(pull: Pull, status: int = 200) -> OperationResult:
    return OperationResult(_ENCODE(pull_info(pull)), status=status)


_MODEL: Final = CatalogueModel(
    name="wan22-ti2v-5b",
    engine="diffusers/wan22-ti2v-5b",
    served_by=("diffusers/wan22-ti2v-5b",),
    state="ready",
    reason=None,
    native=("first", "text"),
    emulated=("extend", "concepts"),
    resolutions=("540p", "720p"),
    aspect_ratios=("1:1", "16:9", "9:16"),
    min_seconds=1.042,
    max_seconds=5.042,
    fps=24,
    takes_seed=True,
    takes_negative_prompt=True,
    concepts=("push_in",),
    licence="Apache-2.0",
    memory_bytes=24_000_000_000,
    median_seconds=16.4,
    default=False,
    models=("ray-2",),
    summary="The default for one card of 16 to 24 GB.",
    weights=WeightsInfo(34_200_000_000, None),
    licence_accepted=True,
    territory=None,
)
_PULLING: Final = PullInfo("pulling", 8_400_000_000, 34_200_000_000, 310.5, None)
_NAME: Final = {"name": "The model's name in the catalogue."}
_BY_NAME: Final[dict[str, Any]] = {"parameters": _NAME, "refusals": (ModelNotFound, *SHARED)}

MODEL_OPERATIONS: tuple[Operation[Administration, Any], ...] = (
    office_operation(
        "listCatalogue",
        "GET",
        "models",
        "List the models of the catalogue",
        description="Those that a wire name stands for come first. `state` is what all workers tell together.",
        wire=Unfiltered,
        answer=CatalogueModels,
        answers={"": CatalogueModels((_MODEL,))},
        answered="The models.",
        handle=list_catalogue,
    ),
    office_operation(
        "loadModel",
        "POST",
        "models/{name}/load",
        "Load a model",
        description="Every lane that makes it loads it as soon as it is free, in place of another that it holds.",
        answer=CatalogueModel,
        answers={"": _MODEL},
        status=202,
        answered="The model as it is now: watch its `state`.",
        handle=load_model,
        **_BY_NAME,
    ),
    office_operation(
        "unloadModel",
        "POST",
        "models/{name}/unload",
        "Unload a model",
        description="Its memory is freed once the clip under way is made. The next clip that needs it loads it again.",
        answer=CatalogueModel,
        answers={"": _MODEL},
        status=202,
        answered="The model as it is now: watch its `state`.",
        handle=unload_model,
        **_BY_NAME,
    ),
    office_operation(
        "pullModel",
        "POST",
        "models/{name}/pull",
        "Pull a model's weights",
        description="By the settings allow_hub and accepted_licences. One that broke off goes on where it was.",
        answer=PullInfo,
        answers={"": _PULLING},
        status=202,
        answered="The pull, under way.",
        handle=pull_model,
        **_BY_NAME,
    ),
    office_operation(
        "getPull",
        "GET",
        "models/{name}/pull",
        "Look at a pull",
        answer=PullInfo,
        answers={"": _PULLING},
        answered="The latest pull; its state is `none` where there was none.",
        handle=get_pull,
        **_BY_NAME,
    ),
    office_operation(
        "cancelPull",
        "DELETE",
        "models/{name}/pull",
        "Stop a pull",
        description="The bytes that are here stay: the next pull goes on from them.",
        answer=PullInfo,
        answers={"": PullInfo("cancelled", 8_400_000_000, 34_200_000_000, None, None)},
        answered="The pull as it is now.",
        handle=cancel_pull,
        **_BY_NAME,
    ),
)
