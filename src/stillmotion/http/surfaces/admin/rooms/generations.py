"""Everybody's generations: list, look, reveal, cancel, move, and batches."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec

from stillmotion.application.administration import Administration
from stillmotion.application.ports.administration import QueuePlace
from stillmotion.application.ports.lists import Walk
from stillmotion.application.record.timelines import Timelines
from stillmotion.domain.errors import AccessDenied, AlreadyOver, CountDiffers, GenerationNotFound, NotQueued
from stillmotion.domain.generation import Generation
from stillmotion.http.edge.operation import Call, Nothing, Operation, OperationResult
from stillmotion.http.resources.timelines import TIMELINE_EXAMPLE, TimelineReply, timeline_reply
from stillmotion.http.surfaces.admin.operations import SHARED, office_operation
from stillmotion.http.surfaces.admin.rooms import generation_shapes as shapes

_ENCODE = msgspec.json.Encoder().encode


async def list_generations(call: Call, office: Administration, asked: shapes.EverybodysQuery) -> OperationResult:
    """A page of everybody's generations."""
    newest_first = not asked.before
    walk = Walk(asked.limit, asked.after or asked.before or None, newest_first)
    page = await office.oversight.page(shapes.to_filter(asked, call.services), walk)
    shown = tuple(shapes.generation_info(call.services.recent, each) for each in page.generations)
    return OperationResult(_ENCODE(shapes.EverybodysList(shown, page.total, page.next, page.previous)))


async def get_generation(call: Call, office: Administration, asked: Nothing) -> OperationResult:
    """One generation, its words and pictures hidden."""
    del asked
    return await _shown(call, office, await office.oversight.get(call.path["id"]))


async def _shown(call: Call, office: Administration, known: Generation) -> OperationResult:
    shown = await office.oversight.watched(known.id)
    return OperationResult(_ENCODE(shapes.generation_info(call.services.recent, shown)))


async def reveal_generation(call: Call, office: Administration, asked: Nothing) -> OperationResult:
    """One generation with its words and pictures."""
    del asked
    shown = await office.oversight.watched(call.path["id"])
    return OperationResult(_ENCODE(shapes.revealed(call.services.recent, shown, call.link_to)))


async def cancel_generation(call: Call, office: Administration, asked: Nothing) -> OperationResult:
    """Cancel one."""
    del asked
    return await _shown(call, office, await office.oversight.cancel(call.path["id"]))


async def retry_generation(call: Call, office: Administration, asked: Nothing) -> OperationResult:
    """Make one once more, for its owner."""
    del asked
    made = await _again(call, office, call.path["id"])
    return OperationResult((await _shown(call, office, made)).body, status=201)


async def _again(call: Call, office: Administration, generation_id: str) -> Generation:
    """A generation of the same request, by its owner's limits and price."""
    earlier = await office.oversight.get(generation_id)
    owner, _ = await office.subscriptions.get(earlier.subscription_id)
    return (await call.services.generations.retry(owner, earlier, earlier.again)).generation


async def get_timeline(call: Call, office: Administration, asked: Nothing) -> OperationResult:
    """The events of one."""
    del office, asked
    services, generation_id = call.services, call.path["id"]
    events = await Timelines(services.generations.store, services.delivery_log).of_generation(generation_id)
    return OperationResult(_ENCODE(timeline_reply(generation_id, events)))


async def delete_generation(call: Call, office: Administration, asked: Nothing) -> OperationResult:
    """Delete one."""
    del asked
    await office.oversight.delete(call.path["id"])
    return OperationResult(b"", status=204)


async def move_generation(call: Call, office: Administration, asked: shapes.Move) -> OperationResult:
    """Move a queued one in the line."""
    moved = await office.oversight.move(call.path["id"], QueuePlace(asked.to))
    return await _shown(call, office, moved)


async def act_on_generations(call: Call, office: Administration, asked: shapes.Batch) -> OperationResult:
    """Do the same to all that a filter finds."""
    oversight = office.oversight
    acts: dict[str, Callable[[str], Awaitable[object]]] = {
        "cancel": oversight.cancel,
        "retry": lambda generation_id: _again(call, office, generation_id),
        "delete": oversight.delete,
        "move": lambda generation_id: oversight.move(generation_id, QueuePlace(asked.to)),
    }
    chosen = shapes.to_filter(asked.filter, call.services)
    return OperationResult(_ENCODE(shapes.BatchDone(await oversight.each(chosen, asked.expected, acts[asked.action]))))


_ID: Final[Mapping[str, str]] = {"id": "The generation's id."}
_ONE: Final[tuple[type[Exception], ...]] = (*SHARED, GenerationNotFound)
_SHOWN: Final[Mapping[str, Any]] = {"answer": shapes.GenerationInfo, "answers": {"": shapes.DREAMING}}

GENERATION_OPERATIONS: tuple[Operation[Administration, Any], ...] = (
    office_operation(
        "listEverybodysGenerations",
        "GET",
        "generations",
        "List everybody's generations",
        description=(
            "The newest first. Words and pictures of customers are hidden: `POST /admin/v1/generations/{id}/reveal` "
            "shows one generation's, and is logged."
        ),
        wire=shapes.EverybodysQuery,
        answer=shapes.EverybodysList,
        answers={"": shapes.EverybodysList((shapes.DREAMING,), 1, None, None)},
        answered="A page of those that pass every filter.",
        handle=list_generations,
    ),
    office_operation(
        "getEverybodysGeneration",
        "GET",
        "generations/{id}",
        "Look at anybody's generation",
        parameters=_ID,
        answered="The generation, its words and pictures hidden.",
        refusals=_ONE,
        handle=get_generation,
        **_SHOWN,
    ),
    office_operation(
        "revealGeneration",
        "POST",
        "generations/{id}/reveal",
        "Look at a generation's words and pictures",
        description="The look is in the log of actions before it is answered.",
        parameters=_ID,
        answer=shapes.RevealedGeneration,
        answers={"": shapes.REVEALED},
        answered="The whole generation.",
        refusals=_ONE,
        handle=reveal_generation,
    ),
    office_operation(
        "cancelEverybodysGeneration",
        "POST",
        "generations/{id}/cancel",
        "Cancel anybody's generation",
        parameters=_ID,
        answered="The generation as it is now.",
        refusals=(*_ONE, AlreadyOver),
        handle=cancel_generation,
        **_SHOWN,
    ),
    office_operation(
        "retryEverybodysGeneration",
        "POST",
        "generations/{id}/retry",
        "Make anybody's generation once more",
        description="A new one of the same request, for the same subscription, by its limits and at its price.",
        parameters=_ID,
        status=201,
        answered="The new generation.",
        refusals=(*_ONE, AccessDenied),
        handle=retry_generation,
        **_SHOWN,
    ),
    office_operation(
        "getEverybodysTimeline",
        "GET",
        "generations/{id}/timeline",
        "Look at what happened to anybody's generation",
        parameters=_ID,
        answer=TimelineReply,
        answers={"": TIMELINE_EXAMPLE},
        answered="Its events so far.",
        refusals=_ONE,
        handle=get_timeline,
    ),
    office_operation(
        "deleteEverybodysGeneration",
        "DELETE",
        "generations/{id}",
        "Delete anybody's generation",
        description="With its files. An unfinished one is cancelled.",
        parameters=_ID,
        answer=None,
        status=204,
        answered="It is gone.",
        refusals=_ONE,
        handle=delete_generation,
    ),
    office_operation(
        "moveGeneration",
        "POST",
        "generations/{id}/move",
        "Move a queued generation in the line",
        description=(
            "To the `front`: before everybody's turn. To the `back`: behind all that its owner has queued by now."
        ),
        parameters=_ID,
        wire=shapes.Move,
        example={"to": "front"},
        answered="The generation as it is now.",
        refusals=(*_ONE, NotQueued),
        handle=move_generation,
        **_SHOWN,
    ),
    office_operation(
        "actOnGenerations",
        "POST",
        "generations/actions",
        "Do the same to all that a filter finds",
        description=(
            "`expected` is the number that you saw: where another number passes the filter now, nothing is done. One "
            "that is refused is left out, such as one that came into another state meanwhile."
        ),
        wire=shapes.Batch,
        answer=shapes.BatchDone,
        example={"action": "cancel", "filter": {"state": "queued", "engine": "parallax/1"}, "expected": 12},
        answers={"": shapes.BatchDone(12)},
        answered="The number of generations that it was done to.",
        refusals=(*SHARED, CountDiffers),
        handle=act_on_generations,
    ),
)
