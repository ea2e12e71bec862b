"""Request framing: one request gets one answer, and no byte of a body is taken for a request, however it is split."""

import asyncio

import pytest

from bench.smuggling.__main__ import tried
from bench.smuggling.speaking import Answer, Heard, fault
from bench.smuggling.vectors import Vector, Verdict, vectors

EVERY = 29
"""Fraction of the vectors in the plain suite: one in so many. The slow suite sends all."""

OK, CANARY = Answer(400, b"", b""), Answer(200, b"", b'{"status":"ok"}')
HIDDEN = Answer(200, b"", b'{"openapi":"3.1.0"')


def test_a_sample_of_the_vectors_is_read_as_it_should_be(service):
    listed = list(vectors(service.history.key_of(0)))[::EVERY]
    assert len(listed) > 100
    assert asyncio.run(tried(service.address, listed)) == []


@pytest.mark.slow
def test_every_vector_is_read_as_it_should_be(service):
    listed = list(vectors(service.history.key_of(0)))
    assert len(listed) > 3000
    assert len({(each.name, each.body) for each in listed}) == len(listed)
    assert asyncio.run(tried(service.address, listed)) == []


@pytest.mark.parametrize(
    ("verdict", "answers", "closed", "told"),
    [
        (Verdict.TAKEN, [OK, CANARY], True, None),
        (Verdict.REFUSED, [OK], True, None),
        (Verdict.REFUSED, [], True, None),
        (Verdict.LAST, [OK], True, None),
        (Verdict.EITHER, [OK], True, None),
        (Verdict.EITHER, [OK, CANARY], True, None),
        (Verdict.TAKEN, [OK, HIDDEN, CANARY], True, "the hidden request was run"),
        (Verdict.EITHER, [OK, HIDDEN], True, "the hidden request was run"),
        (Verdict.TAKEN, [OK], True, "not answered once"),
        (Verdict.TAKEN, [OK, CANARY], False, "hangs"),
        (Verdict.REFUSED, [OK, CANARY], True, "read on"),
        (Verdict.REFUSED, [Answer(200, b"", b"")], True, "taken"),
        (Verdict.LAST, [OK, CANARY], True, "read on"),
        (Verdict.ANSWERED, [OK], True, None),
        (Verdict.ANSWERED, [OK, CANARY], True, None),
        (Verdict.BOTH, [OK, OK, CANARY], True, None),
        (Verdict.ANSWERED, [], True, "not answered"),
        (Verdict.ANSWERED, [OK, OK], True, "none is the next one's"),
        (Verdict.BOTH, [OK, HIDDEN, CANARY], True, "the hidden request was run"),
        (Verdict.EITHER, [OK, OK, CANARY], True, "more than 2 answers"),
        (Verdict.EITHER, [OK, OK], True, "none is the next one's"),
        (Verdict.EITHER, [CANARY, OK], True, "after the last one"),
    ],
)
def test_the_ruler_tells_right_from_wrong(verdict, answers, closed, told):
    found = fault(Vector("x", b"", b"", verdict), Heard(answers, b"", closed))
    assert found is None if told is None else told in found
