"""The order in which a device makes the clips of its models."""

from stillmotion.worker.lanes import Stints

A, B, C = "diffusers/a", "diffusers/b", "diffusers/c"


def chosen(turns, waiting) -> str:
    """The device's next engine, of those with waiting work. The longest-waiting comes first."""
    for engines in turns.wanted():
        for engine in waiting:
            if engines.include(engine):
                turns.took(engine)
                return engine
    raise AssertionError("it takes nothing")


def test_a_device_stays_with_the_model_it_holds_while_there_is_work_for_it():
    turns = Stints((A, B))
    assert [chosen(turns, (B, A)) for _ in range(4)] == [A, A, A, A]


def test_it_takes_what_waits_longest_where_there_is_no_work_for_the_model_it_holds():
    turns = Stints((A, B, C))
    assert [chosen(turns, (C, B)), chosen(turns, (B, C))] == [C, C]


def test_nobody_waits_for_good():
    turns = Stints((A, B), stint=3)
    assert [chosen(turns, (A, B)) for _ in range(8)] == [A, A, A, B, B, B, A, A]


def test_a_stint_goes_on_where_nobody_else_waits():
    turns = Stints((A, B), stint=2)
    assert [chosen(turns, (A,)) for _ in range(5)] == [A] * 5


def test_it_takes_nothing_of_other_engines():
    assert not any(each.include("parallax/1") for each in Stints((A, B)).wanted())


def test_a_device_with_one_model_has_one_place_to_look():
    assert len(Stints((A,)).wanted()) == 1
