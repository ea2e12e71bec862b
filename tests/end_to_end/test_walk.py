"""`python3 dev.py walk`: a traced request, its returns, and its calls from an inner room to an outer one."""

import sys

import pytest

from tests.architecture import source_tree
from tools.walk.journeys import walked
from tools.walk.trace import Place, layers, walk_of

EDGE = Place("http/edge/endpoint.py", "Endpoint.__call__")
READ = Place("application/generations.py", "Generations.view")
LINK = Place("http/edge/links.py", "base_url")
ROW = Place("adapters/store/sqlite/store.py", "view")


def test_a_visit_of_a_file_that_was_left_is_a_return():
    walk = walk_of([(None, EDGE), (EDGE, READ), (EDGE, LINK), (EDGE, EDGE._replace(function="_headers"))], layers())
    assert (walk.files, walk.functions, walk.returns) == (3, 4, 1)


def test_a_call_from_an_inner_room_is_outward_but_for_one_by_a_port():
    walk = walk_of([(None, EDGE), (EDGE, READ), (READ, LINK), (READ, ROW), (ROW, EDGE)], layers())
    assert (walk.outward, walk.by_ports) == ([(READ, LINK)], 1)


def test_a_real_poll_is_traced_from_the_socket_to_the_row():
    calls = walked("poll")
    files = [place.file for _, place in calls]
    assert files.index("http/server/server.py") < files.index("http/edge/endpoint.py")
    assert files.index("http/edge/endpoint.py") < files.index("application/generations.py")
    assert files.index("application/generations.py") < files.index("adapters/store/sqlite/store.py")
    assert sys.getprofile() is None
    assert walk_of(calls, layers()).outward == []
    assert {name for name in files if not (source_tree.ROOT / "src/stillmotion" / name).is_file()} == set()


@pytest.mark.parametrize("journey", ["submit", "download", "callback"])
def test_no_inner_room_calls_out_to_an_outer_one(journey):
    walk = walk_of(walked(journey), layers())
    assert walk.outward == []
    assert walk.by_ports > 0
