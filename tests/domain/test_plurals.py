"""Numbers with their nouns."""

from stillmotion.domain.plurals import plural


def test_one_has_no_s():
    assert [plural(each, "clip") for each in (0, 1, 2, 1000)] == ["0 clips", "1 clip", "2 clips", "1,000 clips"]
    assert [plural(each, "second") for each in (1.0, 0.5)] == ["1 second", "0.5 seconds"]
    assert [plural(each, "slot is", "slots are") for each in (1, 3)] == ["1 slot is", "3 slots are"]
