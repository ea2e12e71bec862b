"""Plan of a request before it is sent: the create body in, all that a submit would lead to out."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from stillmotion.application.models.prospects import Prospect
from stillmotion.domain.errors import InvalidRequest, LimitExceeded, NotAuthenticated, Problem, Unavailable
from stillmotion.domain.models.reading import Reading
from stillmotion.domain.request import FrameSize
from stillmotion.domain.subscriptions import Subscription
from stillmotion.http.edge.operation import Call, Operation, OperationResult
from stillmotion.http.edge.refusals import in_words
from stillmotion.http.parsing.body import apart_if_large
from stillmotion.http.surfaces.dreammachine.refusals import FIELDS
from stillmotion.http.surfaces.dreammachine.translate import to_draft
from stillmotion.http.surfaces.dreammachine.wire import CreateRequest

NAME = "dream-machine"
MAX_SIDE = 1_000_000

_Side = Annotated[int, Meta(ge=1, le=MAX_SIDE, description=f"must be a whole number of pixels from 1 to {MAX_SIDE}")]


class PictureSize(Struct, frozen=True, forbid_unknown_fields=True):
    """Size of a picture, upright."""

    width: _Side
    height: _Side


class PlanRequest(CreateRequest, frozen=True, forbid_unknown_fields=True):
    """A video to plan: the body that would create it. With `picture`, no keyframe is needed."""

    picture: Annotated[
        PictureSize | None,
        Meta(description='must be {"width": …, "height": …}: the size in pixels of the first picture'),
    ] = None


class IgnoredWords(Struct, frozen=True):
    """Words that change nothing, or less than they say, and the reason."""

    words: str
    reason: str


class Understood(Struct, frozen=True):
    """The words as the engine understands them. `moves` are the camera's, one group after the other."""

    moves: tuple[tuple[str, ...], ...]
    subject: tuple[str, ...]
    effects: tuple[str, ...]
    ignored: tuple[IgnoredWords, ...]


class PlanProblem(Struct, frozen=True):
    """A reason why a submit would be refused, and the field that it is about."""

    field: str
    message: str


class RequestPlan(Struct, frozen=True):
    """The clip that a submit would lead to.

    `understood`, `sentence` and `not_understood` are those of an engine that reads the words; `understood` and
    `sentence` are null for one that takes them as they are. `width` and `height` are null where they depend on a
    picture whose size is not known. `price` is in the operator's unit. `eta_seconds` is measured on earlier
    clips, with your own that are queued; null before there were any. `emulated` names the abilities that the model
    lacks and this server stands in for; `notes` say how, and what differs from the request.
    """

    engine: str
    model: str
    understood: Understood | None
    sentence: str | None
    not_understood: tuple[str, ...]
    width: int | None
    height: int | None
    seconds: float
    fps: int
    frames: int
    price: float | None
    quota_remaining_seconds: float | None
    eta_seconds: float | None
    emulated: tuple[str, ...]
    notes: tuple[str, ...]
    problems: tuple[PlanProblem, ...]


async def plan_request(call: Call, subscription: Subscription, asked: PlanRequest) -> OperationResult:
    """The plan of a request. Nothing is stored, and nothing is rendered."""
    size = None if asked.picture is None else FrameSize(asked.picture.width, asked.picture.height)
    request, refused = await apart_if_large(call.size, lambda: to_draft(asked, is_pictured=size is not None))
    prospect = await call.services.prospects.of(subscription, NAME, request, size)
    return OperationResult(msgspec.json.encode(_wire(prospect, refused)))


def _wire(prospect: Prospect, refused: Sequence[InvalidRequest]) -> RequestPlan:
    planned, size, reading = prospect.plan, prospect.size, prospect.reading
    return RequestPlan(
        engine=prospect.engine,
        model=prospect.model,
        understood=None if reading is None else _understood(reading),
        sentence=None if reading is None else reading.sentence,
        not_understood=() if reading is None else reading.not_understood,
        width=None if size is None else size.width,
        height=None if size is None else size.height,
        seconds=round(planned.seconds, 3),
        fps=planned.fps,
        frames=planned.frame_count,
        price=prospect.price,
        quota_remaining_seconds=prospect.quota_left,
        eta_seconds=prospect.eta_seconds,
        emulated=tuple(each.partition(":")[0] for each in planned.emulated),
        notes=(*planned.emulated, *planned.adjusted),
        problems=tuple(_problems(prospect, refused)),
    )


def _understood(reading: Reading) -> Understood:
    ignored = tuple(IgnoredWords(each.words, each.reason) for each in reading.ignored)
    return Understood(reading.moves, reading.subject, reading.effects, ignored)


def _problems(prospect: Prospect, refused: Sequence[InvalidRequest]) -> list[PlanProblem]:
    """The refusals of both kinds: a field that the surface refuses by itself is named once."""
    own = [problem for error in refused for problem in in_words(error, FIELDS)]
    fields = {each.field for each in own}
    further = in_words(InvalidRequest(*prospect.problems), FIELDS)
    return [PlanProblem(*_parts(each)) for each in (*own, *(each for each in further if each.field not in fields))]


def _parts(problem: Problem) -> tuple[str, str]:
    return problem.field, problem.message


_ASKED: Mapping[str, Any] = {
    "prompt": "a slow push in, the girl leans and smiles",
    "picture": {"width": 1200, "height": 800},
    "duration": "5s",
}
_PLANNED = RequestPlan(
    engine="parallax/1",
    model="ray-1-6",
    understood=Understood(
        (("push_in",),),
        ("lean",),
        (),
        (
            IgnoredWords(
                "smiles", "everyone and everything stays where it is in the picture: no faces, mouths or limbs move"
            ),
        ),
    ),
    sentence="push in (slow) · lean",
    not_understood=("smiles",),
    width=1176,
    height=784,
    seconds=5.0,
    fps=24,
    frames=120,
    price=0.1,
    quota_remaining_seconds=295.0,
    eta_seconds=6.2,
    emulated=(),
    notes=(),
    problems=(),
)

PLAN_OPERATION: Operation[Subscription, PlanRequest] = Operation(
    operation_id="planRequest",
    method="POST",
    path="/plan",
    summary="What would come of a request",
    description="Takes the body of `POST /dream-machine/v1/generations`, and makes nothing. It says how the words are "
    "understood, the clip's size, length and price, and by the rules of a submit why it would be refused. The picture "
    "may be left out: `picture` gives its size, and stands for it.",
    wire=PlanRequest,
    answer=RequestPlan,
    example=_ASKED,
    answers={"": _PLANNED},
    answered="The plan, also of a request that would be refused: then `problems` says why.",
    shows_engine=False,
    only_reads=True,
    holds_pictures=True,
    refusals=(InvalidRequest, NotAuthenticated, LimitExceeded, Exception, Unavailable),
    handle=plan_request,
)
