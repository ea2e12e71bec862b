"""Presigned URLs that are given out again for some minutes."""

import itertools
from datetime import timedelta

import pytest

from stillmotion.adapters.signed_urls import SignedUrls
from tests.builders import ManualClock

DAY = timedelta(hours=24)
KEYS, ROLE = "?X-Amz-Signature=", "?X-Amz-Security-Token=abc&X-Amz-Signature="


def signer(query=KEYS):
    """A signer each of whose URLs is another."""
    count = itertools.count()
    return lambda key, lifetime: f"https://bucket.example/{key}{query}{next(count)}"


@pytest.mark.parametrize(
    ("query", "lifetime", "kept"),
    [
        (KEYS, DAY, timedelta(minutes=5)),
        (ROLE, DAY, timedelta(minutes=1)),
        (KEYS, timedelta(seconds=20), timedelta(seconds=10)),
    ],
    ids=["keys", "role", "short-lived"],
)
def test_a_url_is_the_same_for_a_while(query, lifetime, kept):
    """It is signed anew long before it, or the session of its role, ends."""
    clock = ManualClock()
    urls = SignedUrls(signer(query), clock)
    first = urls.url("clip", lifetime)
    clock.advance(seconds=kept.total_seconds() - 0.1)
    assert urls.url("clip", lifetime) == first
    clock.advance(seconds=0.1)
    second = urls.url("clip", lifetime)
    assert second != first
    assert urls.url("clip", lifetime) == second


def test_each_object_and_each_lifetime_has_its_own():
    urls = SignedUrls(signer(), ManualClock())
    asked = [("clip", DAY), ("clip", DAY / 2), ("other", DAY)]
    assert len({urls.url(*each) for each in asked}) == len(asked)


def test_a_clock_that_was_set_back_has_a_url_signed_anew():
    clock = ManualClock()
    urls = SignedUrls(signer(), clock)
    first = urls.url("clip", DAY)
    clock.advance(minutes=-2)
    assert urls.url("clip", DAY) != first


def test_the_oldest_is_forgotten_first():
    clock = ManualClock()
    urls = SignedUrls(signer(), clock, kept=2)
    old, first = urls.url("old", DAY), urls.url("first", DAY)
    clock.advance(minutes=5)
    old = urls.url("old", DAY)
    urls.url("second", DAY)
    assert urls.url("old", DAY) == old
    assert urls.url("first", DAY) != first
