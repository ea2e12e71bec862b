"""Promised durations on a busy machine: a measurement is repeated."""

from collections.abc import Iterator, Sequence

TRIES = 3


def tries(took: Sequence[float], within: float) -> Iterator[None]:
    """Repeat a measurement, three times at most, until the last of `took` is less than `within` seconds.

    Slow code is slow each time. A wait for the processor is not.
    """
    for _ in range(TRIES):
        yield
        if took[-1] < within:
            return
