"""Routing from a path and a method to an operation."""

import pytest

from stillmotion.http.edge.operation import Nothing
from stillmotion.http.edge.refusals import EndpointNotFound, MethodNotAllowed, RefusalRule, Refusals
from stillmotion.http.edge.routing import Router

ROUTES = [
    ("/things", "GET"),
    ("/things", "POST"),
    ("/things/{id}", "GET"),
    ("/things/{id}", "DELETE"),
    ("/things/list", "GET"),
    ("/things/{id}/parts/{part}", "GET"),
]


@pytest.fixture(scope="module")
def router():
    return Router({route: route for route in ROUTES})


@pytest.mark.parametrize(
    ("path", "method", "found", "values"),
    [
        ("/things", "GET", ("/things", "GET"), {}),
        ("/things/7", "GET", ("/things/{id}", "GET"), {"id": "7"}),
        ("/things/7", "DELETE", ("/things/{id}", "DELETE"), {"id": "7"}),
        ("/things/list", "GET", ("/things/list", "GET"), {}),
        ("/things/list", "DELETE", ("/things/{id}", "DELETE"), {"id": "list"}),
        ("/things/7/parts/{part}", "GET", ("/things/{id}/parts/{part}", "GET"), {"id": "7", "part": "{part}"}),
    ],
)
def test_a_path_is_found_with_its_values(router, path, method, found, values):
    assert router.find(path, method) == (found, values)


@pytest.mark.parametrize("path", ["", "/", "/things/", "/things/7/", "/things//parts/1", "/thing/7", "/things/7/parts"])
def test_other_paths_are_not_found(router, path):
    assert router.find(path, "GET") is None


def test_the_methods_of_a_path_are_known(router):
    assert router.methods("/things") == ["GET", "POST"]
    assert router.methods("/things/7") == ["GET", "DELETE"]
    assert router.methods("/things/list") == ["GET"], "and not those of a thing whose id is list"
    assert router.methods("/nothing") == []


def test_a_surface_may_tell_a_wrong_method_from_a_wrong_path():
    problems = Refusals(
        [
            RefusalRule(MethodNotAllowed, 405, "another method", Nothing()),
            RefusalRule(EndpointNotFound, 404, "nothing", Nothing()),
        ]
    )
    refused = problems.reply(MethodNotAllowed("/things", ["GET", "POST"]))
    assert (refused.status, dict(refused.headers)["Allow"]) == (405, "GET, POST")
    assert problems.reply(EndpointNotFound("/nothing")).status == 404
