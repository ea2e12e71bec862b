"""`DutyStore`: each duty is held by one process at a time."""

from datetime import timedelta

from stillmotion.domain.operators.duties import Duty
from tests.builders import NOON

BOTH = (Duty.REAPER, Duty.CALLBACKS)
SOON = NOON + timedelta(seconds=10)
LATER = SOON + timedelta(seconds=10)


async def test_a_free_duty_is_taken_and_kept_by_its_holder(store):
    assert await store.hold_duties(BOTH, "first", SOON, NOON) == dict.fromkeys(BOTH, 1)
    assert await store.hold_duties(BOTH, "first", LATER, SOON) == dict.fromkeys(BOTH, 1), "its own, though it was late"


async def test_another_gets_a_duty_once_its_time_has_passed_in_the_next_term(store):
    await store.hold_duties(BOTH, "first", SOON, NOON)
    assert await store.hold_duties(BOTH, "second", LATER, SOON - timedelta(microseconds=1)) == {}
    assert await store.hold_duties([Duty.REAPER], "second", LATER, SOON) == {Duty.REAPER: 2}
    assert await store.hold_duties(BOTH, "first", LATER, SOON) == {Duty.CALLBACKS: 1}, "the other one is still its own"


async def test_a_freed_duty_is_anybodys_and_its_terms_go_on(store):
    await store.hold_duties(BOTH, "first", SOON, NOON)
    await store.hold_duties([Duty.SWEEPS], "second", SOON, NOON)
    await store.free_duties("first")
    found = await store.hold_duties((*BOTH, Duty.SWEEPS), "third", SOON, NOON)
    assert found == dict.fromkeys(BOTH, 2), "what another holds is not freed"
