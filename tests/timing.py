"""Promises of so many seconds, tried on a machine that has other work."""

from collections.abc import Iterator, Sequence

TRIES = 3


def tries(took: Sequence[float], within: float) -> Iterator[None]:
    """Once more, three times at most, until the last of `took` is less than `within` seconds.

    What is slow by itself is slow each time; what had to wait for its processor once is not.
    """
    for _ in range(TRIES):
        yield
        if took[-1] < within:
            return
