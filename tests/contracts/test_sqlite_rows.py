"""Rows: a value survives the way into a row and back."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from stillmotion.adapters.store.sql.generation_rows import microseconds, to_time

times = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - strategy's


@given(times)
def test_a_time_comes_back_to_the_microsecond(time):
    assert to_time(microseconds(time)) == time
    assert to_time(microseconds(time)).tzinfo is UTC
