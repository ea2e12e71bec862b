"""An edge that has every model as a wire name."""

import pytest

from tests.http.conftest import start_shared
from tests.matrix.asking import models

__all__ = ["start_shared"]


@pytest.fixture(scope="session")
def everything(start_shared):
    """The edge, and a caller who may use every model."""
    edge = start_shared(catalogue=models())
    return edge, edge.caller()
