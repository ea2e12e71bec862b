"""Fixtures for clients that others wrote: the edge over a store, or a whole service in processes.

A module names its client (`CLIENT`, `VERSION`), and a test the client's methods: `@pytest.mark.methods("get")`, or
`record_property("method", "get")` for the report of a program in another language (see `tests/compatibility.py`).
"""

from tests.end_to_end.conftest import make_running, running, small_picture
from tests.http.conftest import caller, edge, start_shared

__all__ = ["caller", "edge", "make_running", "running", "small_picture", "start_shared"]
