"""Filters of a list in its query, the same on every surface."""

from datetime import datetime
from typing import Annotated, Final

from msgspec import Meta, Struct

from stillmotion.application.ports.lists import Filter, folded
from stillmotion.domain.catalogue import Catalogue
from stillmotion.domain.errors import InvalidRequest, Problem
from stillmotion.domain.lifecycle import State

SEARCH_MAX_CHARACTERS: Final = 200

_STATES: Final = {
    "queued": {State.QUEUED},
    "dreaming": {State.DREAMING},
    "completed": {State.COMPLETED},
    "failed": {State.FAILED, State.CANCELLED},
}
_State = Annotated[str, Meta(pattern=f"^({'|'.join(_STATES)})(,({'|'.join(_STATES)}))*$")]
IdStart = Annotated[str, Meta(pattern="^[0-9A-Fa-f-]{1,36}$")]
"""An id, or its beginning."""

_Words = Annotated[str, Meta(min_length=1, max_length=SEARCH_MAX_CHARACTERS)]
_Time = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)$")]
"""A string, since a number would pass for a time too."""


class FilterQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Choice of generations."""

    state: Annotated[
        _State | None, Meta(description=f"must be one or more of {', '.join(_STATES)}, with commas between them")
    ] = None
    model: Annotated[str | None, Meta(description="must be the name of a model")] = None
    search: Annotated[
        _Words | None,
        Meta(
            description=f"must be 1 to {SEARCH_MAX_CHARACTERS} characters that the prompt, the id or a value of the "
            "metadata contains, in any case"
        ),
    ] = None
    id: Annotated[IdStart | None, Meta(description="must be the beginning of an id: digits, a to f and hyphens")] = None
    created_after: Annotated[
        _Time | None, Meta(description="must be a time with its zone, 2026-11-22T12:00:00Z: that one and later")
    ] = None
    created_before: Annotated[
        _Time | None, Meta(description="must be a time with its zone, 2026-11-22T12:00:00Z: before that one")
    ] = None
    metadata: Annotated[dict[str, str], Meta(description="must be the value that the metadata has under the name")] = {}

    def chosen(self, catalogue: Catalogue) -> Filter:
        """The filter in the domain's words. Raises `InvalidRequest`."""
        words = () if self.state is None else self.state.split(",")
        return Filter(
            states=frozenset[State]().union(*(_STATES[word] for word in words)),
            model="" if self.model is None else catalogue.named(self.model) or self.model,
            search=folded(self.search or ""),
            id_start=(self.id or "").lower(),
            created_after=_time("created_after", self.created_after),
            created_before=_time("created_before", self.created_before),
            metadata=self.metadata,
        )


def _time(field: str, given: str | None) -> datetime | None:
    try:
        return None if given is None else datetime.fromisoformat(given)
    except ValueError:
        raise InvalidRequest(Problem(field, "must be a time of the calendar, such as 2026-11-22T12:00:00Z")) from None
