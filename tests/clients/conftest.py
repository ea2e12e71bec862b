"""Programs that others wrote, and what they talk to: the edge over a store, or a whole service in processes.

A module says which client it tries (`CLIENT`, `VERSION`), a test which of its methods: `@pytest.mark.methods("get")`,
or `record_property("method", "get")` for what a program in another language reports (see `tests/compatibility.py`).
"""

from tests.end_to_end.conftest import make_running, running, small_picture
from tests.http.conftest import caller, edge, start

__all__ = ["caller", "edge", "make_running", "running", "small_picture", "start"]
