"""An edge that has every model as a wire name."""

import pytest

from tests.http.conftest import start
from tests.matrix.asking import models

__all__ = ["start"]


@pytest.fixture(scope="session")
def everything(start):
    """The edge, and a caller who may use every model."""
    edge = start(catalogue=models())
    return edge, edge.caller()
