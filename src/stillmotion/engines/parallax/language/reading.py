"""Reading of a request's words alone, for callers who want to know before a clip is made."""

from dataclasses import replace

from stillmotion.domain.models.reading import Reading, Unheeded
from stillmotion.domain.request import GenerationRequest
from stillmotion.engines.parallax.language.beyond import CANNOT_REASON, UNKNOWN_REASON
from stillmotion.engines.parallax.language.parser import read
from stillmotion.engines.parallax.language.plan import Ignored, MotionPlan, spoken
from stillmotion.engines.parallax.language.vocabulary import ANY_MOVE

LOOP_REASON = "the clip ends at another picture"
CHOSEN = "a gentle move, chosen from the picture"
CARRIED_ON = "goes on as the earlier clip ended"


def asked_plan(prompt: str, concepts: tuple[str, ...], *, loop: bool, ends_elsewhere: bool) -> MotionPlan:
    """The plan that the words ask for; the picture then fills in what they leave open.

    A clip that `ends_elsewhere`, at another picture, cannot loop.
    """
    plan = read(prompt, concepts, loop=loop)
    if plan.loop and ends_elsewhere:
        return replace(plan, loop=False, ignored=(*plan.ignored, Ignored("loop", LOOP_REASON)))
    return plan


def reading(request: GenerationRequest) -> Reading:
    """The request's words as the engine understands them."""
    both = request.frame0 is not None and request.frame1 is not None
    plan = asked_plan(request.prompt, request.concepts, loop=request.loop, ends_elsewhere=both)
    return Reading(
        sentence=_sentence(plan, request),
        moves=tuple(segment.moves for segment in plan.segments),
        subject=plan.subject,
        effects=plan.ambient,
        not_understood=tuple(each.words for each in plan.ignored if each.reason in (UNKNOWN_REASON, CANNOT_REASON)),
        ignored=tuple(Unheeded(each.words, each.reason) for each in plan.ignored),
    )


def _sentence(plan: MotionPlan, request: GenerationRequest) -> str:
    """All that will move, in a line: the camera's moves first."""
    moves = [" and ".join(map(_spoken, segment.moves)) for segment in plan.segments]
    camera = ", then ".join(moves) or (CARRIED_ON if request.extends else CHOSEN)
    parts = [camera, *map(_spoken, plan.subject), *map(_spoken, plan.ambient), *(["loop"] if plan.loop else [])]
    if plan.modifiers:
        parts[0] = f"{parts[0]} ({', '.join(plan.modifiers)})"
    return " · ".join(parts)


def _spoken(key: str) -> str:
    """A key as words."""
    return CHOSEN if key == ANY_MOVE else spoken(key)
