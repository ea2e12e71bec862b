"""Changes of generations on paths of all surfaces, in the Dream Machine's JSON: once more, cancelled, edited."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from msgspec import UNSET

from stillmotion.domain.errors import (
    AccessDenied,
    GenerationNotFound,
    IdempotencyConflict,
    InvalidRequest,
    LimitExceeded,
    NotAuthenticated,
    QuotaSpent,
    Unavailable,
)
from stillmotion.domain.generation import Generation
from stillmotion.domain.subscriptions import Subscription
from stillmotion.http.edge.operation import Call, Nothing, Operation, OperationResult
from stillmotion.http.edge.refusals import in_words
from stillmotion.http.parsing.body import apart_if_large
from stillmotion.http.surfaces.dreammachine import examples, wire
from stillmotion.http.surfaces.dreammachine.refusals import FIELDS
from stillmotion.http.surfaces.dreammachine.translate import check_prompt, encode, to_retry


async def retry(call: Call, subscription: Subscription, changes: wire.CreateRequest) -> OperationResult:
    """Accept a generation once more, with changes."""
    generations = call.services.generations
    earlier = await generations.get(subscription, call.path["id"])
    with _in_own_words():
        request = await apart_if_large(call.size, to_retry, changes, earlier)
        accepted = await generations.retry(subscription, earlier, request, call.idempotency, changes.metadata)
    view = await call.services.generations.shown(accepted)
    return OperationResult(encode(view, call.link_to), view, accepted.window, 201)


async def cancel(call: Call, subscription: Subscription, asked: Nothing) -> OperationResult:
    """Cancel an unfinished generation. Its record stays."""
    del asked
    return _answer(call, await call.services.generations.cancel(subscription, call.path["id"]))


async def edit(call: Call, subscription: Subscription, changes: wire.EditRequest) -> OperationResult:
    """Change the words of a generation."""
    prompt = None if changes.prompt is UNSET else changes.prompt
    metadata = {} if changes.metadata is UNSET else changes.metadata
    with _in_own_words():
        if prompt is not None:
            check_prompt(prompt)
        edited = await call.services.generations.edit(subscription, call.path["id"], prompt, metadata)
    return _answer(call, edited)


def _answer(call: Call, generation: Generation) -> OperationResult:
    return OperationResult(encode(generation.view, call.link_to), generation.view)


@contextmanager
def _in_own_words() -> Iterator[None]:
    """Refusals inside name the fields of this dialect's body, not the surface's whose words the path has."""
    try:
        yield
    except IdempotencyConflict:
        raise
    except InvalidRequest as error:
        raise InvalidRequest(*in_words(error, FIELDS)) from None


_REFUSALS = (NotAuthenticated, GenerationNotFound, LimitExceeded, Exception, Unavailable)
_ID: Mapping[str, str] = {"id": "The generation's id."}

CHANGE_OPERATIONS: Final[tuple[Operation[Subscription, Any], ...]] = (
    Operation(
        operation_id="retryGeneration",
        method="POST",
        path="/generations/{id}/retry",
        summary="Make a generation once more",
        description="A new generation of the same request, with the changes in the body: any field of a submit to the "
        "Dream Machine's API; none makes the same again, by the same seed. Whichever surface the first was made on, in "
        "whatever state it is. The pictures are copied: either can be deleted. The new one's `retry_of` is the first's "
        "id, and it takes over the metadata where the body has none.",
        parameters=_ID,
        wire=wire.CreateRequest,
        answer=wire.DreamMachineGeneration,
        example={"seed": 7},
        answers={"queued": examples.RETRIED},
        answered="The new generation.",
        refusals=(InvalidRequest, IdempotencyConflict, AccessDenied, QuotaSpent, *_REFUSALS),
        handle=retry,
        status=201,
        submits=True,
    ),
    Operation(
        operation_id="cancelGeneration",
        method="POST",
        path="/generations/{id}/cancel",
        summary="Cancel a generation",
        description="Stops it, and keeps the record: it costs nothing. A cancelled one stays as it is; one that is "
        "completed or failed is refused. The body may be left out.",
        parameters=_ID,
        wire=Nothing,
        answer=wire.DreamMachineGeneration,
        answers={"": examples.CANCELLED},
        refusals=(InvalidRequest, *_REFUSALS),
        handle=cancel,
    ),
    Operation(
        operation_id="editGeneration",
        method="PATCH",
        path="/generations/{id}",
        summary="Change the words of a generation",
        description="The metadata at any time, the prompt while it is queued.",
        parameters=_ID,
        wire=wire.EditRequest,
        answer=wire.DreamMachineGeneration,
        example={"metadata": {"favourite": "true", "draft": None}},
        answers={"": examples.COMPLETED},
        refusals=(InvalidRequest, *_REFUSALS),
        handle=edit,
    ),
)
