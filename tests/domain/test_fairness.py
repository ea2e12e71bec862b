"""Turns between subscriptions, as a pure rule that the stores implement."""

from collections import defaultdict
from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from stillmotion.domain.fairness import Line
from stillmotion.domain.lifecycle import State
from tests.builders import NOON, ManualClock, a_generation

QUEUED = {seconds: a_generation(seconds=seconds) for seconds in range(1, 11)}
LONGEST = 10_000_000


@dataclass
class Hall:
    """Lines, with the lengths of the waiting clips in seconds."""

    clips: defaultdict = field(default_factory=lambda: defaultdict(list))
    lines: dict = field(default_factory=dict)
    virtual_time: int = 0
    clock: ManualClock = field(default_factory=ManualClock)

    def submit(self, who, seconds=5):
        line = self.lines.get(who, Line(0, 0, NOON))
        self.lines[who] = line.joined(self.virtual_time, self.clock.advance(seconds=1))
        self.clips[who].append(seconds)

    def claim(self):
        """The next line and the length of its clip, None if no line waits."""
        waiting = [who for who, line in self.lines.items() if line.queued]
        if not waiting:
            return None
        who = min(waiting, key=lambda each: (self.lines[each].turn, self.lines[each].since, each))
        seconds = self.clips[who].pop(0)
        self._change(who, seconds, State.QUEUED, State.DREAMING)
        return who, seconds

    def cancel(self, who):
        self._change(who, self.clips[who].pop(), State.QUEUED, State.CANCELLED)

    def give_back(self, who, seconds):
        self.clips[who].insert(0, seconds)
        self._change(who, seconds, State.DREAMING, State.QUEUED)

    def _change(self, who, seconds, before, after):
        of = QUEUED[seconds]
        before, after = replace(of, state=before), replace(of, state=after)
        now = self.clock.advance(seconds=1)
        self.lines[who], self.virtual_time = self.lines[who].after(before, after, self.virtual_time, now)


def test_ten_thousand_queued_delay_another_by_one_slot():
    hall = Hall()
    for _ in range(10_000):
        hall.submit("greedy")
    for _ in range(3):
        hall.claim()
    hall.submit("newcomer")
    assert "newcomer" in {hall.claim()[0] for _ in range(2)}


def test_two_that_wait_take_turns():
    hall = Hall()
    for _ in range(6):
        hall.submit("a")
        hall.submit("b")
    assert [hall.claim()[0] for _ in range(6)] == ["a", "b"] * 3


def test_who_asks_for_longer_clips_gets_fewer_of_them():
    hall = Hall()
    for _ in range(100):
        hall.submit("long", 10)
        hall.submit("short", 2)
    claimed = [hall.claim()[0] for _ in range(60)]
    assert (claimed.count("long"), claimed.count("short")) == (10, 50)


def test_waiting_for_nothing_saves_nothing_up():
    """A line that was away for a thousand turns gets every second turn afterwards, not the next thousand."""
    hall = Hall()
    for _ in range(3000):
        hall.submit("steady")
    for _ in range(1000):
        hall.claim()
    for _ in range(1000):
        hall.submit("returned")
    assert [hall.claim()[0] for _ in range(10)].count("returned") == 5


def test_what_was_cancelled_costs_no_turn():
    """A line that queues much and cancels it is treated as any other."""
    hall = Hall()
    for _ in range(1000):
        hall.submit("fickle")
    for _ in range(1000):
        hall.cancel("fickle")
    for _ in range(100):
        hall.submit("steady")
    hall.claim()
    hall.submit("fickle")
    assert hall.claim()[0] == "fickle"


def test_what_is_handed_back_is_next():
    hall = Hall()
    hall.submit("a", 3)
    hall.submit("a", 4)
    hall.submit("b", 5)
    who, seconds = hall.claim()
    hall.give_back(who, seconds)
    assert hall.claim() == (who, seconds)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), st.sampled_from("abcd"), st.integers(1, 10)),
        st.tuples(st.just("claim")),
        st.tuples(st.just("cancel"), st.sampled_from("abcd")),
        st.tuples(st.just("give back")),
    ),
    max_size=120,
)


def carried_out(steps):
    """The hall after these steps. Every step checks that virtual time does not go back."""
    hall, claimed = Hall(), []
    for kind, *rest in steps:
        before = hall.virtual_time
        if kind == "submit":
            hall.submit(*rest)
        elif kind == "claim" and (taken := hall.claim()):
            claimed.append(taken)
        elif kind == "cancel" and hall.clips[rest[0]]:
            hall.cancel(rest[0])
        elif kind == "give back" and claimed:
            hall.give_back(*claimed.pop())
        assert hall.virtual_time >= before, "virtual time goes forward"
    return hall


@given(STEPS)
def test_counts_are_those_of_what_waits_and_no_turn_is_far_ahead(steps):
    hall = carried_out(steps)
    for who, line in hall.lines.items():
        assert line.queued == len(hall.clips[who])
        if line.queued:
            assert hall.virtual_time <= line.turn <= hall.virtual_time + LONGEST


@given(STEPS)
def test_whatever_went_before_a_newcomer_is_next_but_one_for_each_other(steps):
    """Each of the others has at most one turn before it."""
    hall = carried_out(steps)
    hall.submit("newcomer")
    before = []
    while (taken := hall.claim())[0] != "newcomer":
        before.append(taken[0])
    assert len(before) == len(set(before))


@given(STEPS, st.integers(1, 40))
def test_those_who_wait_throughout_get_the_same_to_within_a_clip(steps, turns):
    """Between any two of them the difference is less than the longest clips of both."""
    hall = carried_out(steps)
    for who in "ab":
        for _ in range(40):
            hall.submit(who, 10)
    got = defaultdict(int)
    for _ in range(turns):
        who, seconds = hall.claim()
        got[who] += seconds
    if hall.clips["a"] and hall.clips["b"]:
        assert abs(got["a"] - got["b"]) <= 20
