"""Outlooks: places in the queue and times left, put into the views of unfinished generations."""

from collections.abc import Sequence

from stillmotion.application.ports.record import RecordStore
from stillmotion.domain.errors import Unavailable
from stillmotion.domain.generation import GenerationView


async def with_outlooks(store: RecordStore, views: Sequence[GenerationView]) -> Sequence[GenerationView]:
    """The views, with the outlooks of those that are unfinished: one statement for all of them, none without any."""
    unfinished = [view for view in views if not view.has_ended]
    if not unfinished:
        return views
    outlooks = await store.outlooks(unfinished)
    return [
        view._replace(queue_position=outlooks[view.id].position, eta_seconds=outlooks[view.id].eta_seconds)
        if view.id in outlooks
        else view
        for view in views
    ]


async def foreseen(store: RecordStore, *views: GenerationView) -> Sequence[GenerationView]:
    """The views with their outlooks, or without them if these cannot be read just now."""
    try:
        return await with_outlooks(store, views)
    except Unavailable:
        return views
