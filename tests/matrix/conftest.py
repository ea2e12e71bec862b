"""An edge whose wire names are all the models there are."""

import pytest

from tests.http.conftest import start
from tests.matrix.asking import models

__all__ = ["start"]


@pytest.fixture(scope="session")
def everything(start):
    """The edge, and somebody who may ask for anything."""
    edge = start(catalogue=models())
    return edge, edge.caller()
