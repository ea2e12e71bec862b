"""Cancellation checkpoints: work asks if it should go on, without a parameter for that."""

import threading
from contextvars import copy_context

import pytest

from stillmotion.domain.errors import RenderCancelled
from stillmotion.domain.rendering import cancellable_by, checkpoint


def cancelled() -> None:
    raise RenderCancelled


def test_work_that_nobody_will_stop_goes_on():
    checkpoint()


def test_a_checkpoint_raises_what_its_check_raises():
    with cancellable_by(cancelled), pytest.raises(RenderCancelled):
        checkpoint()
    checkpoint()


def test_the_inner_of_two_checks_counts_until_its_end():
    asked: list[str] = []
    with cancellable_by(lambda: asked.append("outer")):
        with cancellable_by(lambda: asked.append("inner")):
            checkpoint()
        checkpoint()
    assert asked == ["inner", "outer"]


def test_frames_are_cancelled_by_who_draws_them():
    def frames():
        while True:
            checkpoint()
            yield

    drawing = frames()
    next(drawing)
    with cancellable_by(cancelled), pytest.raises(RenderCancelled):
        next(drawing)


@pytest.mark.parametrize("is_handed_on", [True, False])
def test_another_thread_has_the_check_if_it_runs_in_a_copy_of_the_context(is_handed_on):
    asked: list[str] = []
    with cancellable_by(lambda: asked.append("whether to go on")):
        work = (copy_context().run, (checkpoint,)) if is_handed_on else (checkpoint, ())
        thread = threading.Thread(target=work[0], args=work[1])
        thread.start()
        thread.join()
    assert bool(asked) is is_handed_on
