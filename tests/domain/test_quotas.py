"""Limits and quotas, as pure rules that the stores count by."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillmotion.domain.errors import ConcurrencyLimitExceeded, QuotaSpent, RateLimitExceeded
from stillmotion.domain.quotas import WINDOW, RateWindow, check_concurrency, check_quota, period
from stillmotion.domain.subscriptions import Product

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PRODUCT = Product("id", "default", concurrent_generations=2, video_seconds_per_month=100)


def test_a_hundred_in_a_window_means_a_hundred():
    window = RateWindow(NOW)
    for _ in range(100):
        window = window.spend(100, NOW)
    with pytest.raises(RateLimitExceeded):
        window.spend(100, NOW)


@given(st.floats(0, 59.999))
def test_waiting_as_long_as_told_is_enough(elapsed):
    now = NOW + timedelta(seconds=elapsed)
    with pytest.raises(RateLimitExceeded) as refused:
        RateWindow(NOW, spent=1).spend(1, now)
    assert 1 <= refused.value.retry_after <= 60
    assert RateWindow(NOW, spent=1).spend(1, now + timedelta(seconds=refused.value.retry_after)).spent == 1


def test_a_clock_that_steps_back_locks_nobody_out_and_gives_nothing_away():
    earlier = NOW - timedelta(hours=1)
    assert RateWindow(NOW, spent=1).spend(2, earlier) == RateWindow(earlier, spent=2)
    with pytest.raises(RateLimitExceeded) as refused:
        RateWindow(NOW, spent=2).spend(2, earlier)
    assert refused.value.retry_after == 60
    assert RateWindow(NOW, spent=2).at(earlier).spend(2, earlier + WINDOW).spent == 1


@given(st.lists(st.floats(-100_000, 100_000), min_size=1, max_size=20))
def test_no_steps_of_a_clock_back_make_a_window_larger(steps):
    """The window is counted from the clock's highest time so far, which never goes back."""
    now, window, accepted = NOW, RateWindow(NOW), 0
    for step in steps:
        now -= timedelta(seconds=abs(step))
        for _ in range(3):
            try:
                window = window.spend(2, now)
            except RateLimitExceeded:
                continue
            accepted += 1
    assert accepted == 2


def test_a_window_ends_after_its_minute():
    assert RateWindow(NOW, 5).at(NOW + WINDOW) == RateWindow(NOW + WINDOW)
    assert RateWindow(NOW, 5).at(NOW + WINDOW - timedelta(microseconds=1)).spent == 5


def test_no_more_at_once_than_the_product_says():
    check_concurrency(PRODUCT, 1)
    with pytest.raises(ConcurrencyLimitExceeded):
        check_concurrency(PRODUCT, 2)


def test_a_quota_is_spent_to_the_last_second_and_comes_back_next_month():
    check_quota(PRODUCT, 95, 5, NOW)
    with pytest.raises(QuotaSpent) as refused:
        check_quota(PRODUCT, 95, 5.5, NOW)
    later = NOW + timedelta(seconds=refused.value.retry_after)
    assert period(later) == "2026-12"
    assert period(later - timedelta(seconds=1)) == "2026-11"


def test_without_a_quota_anything_goes():
    check_quota(replace(PRODUCT, video_seconds_per_month=None), 1e9, 10, NOW)
