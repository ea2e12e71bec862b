"""`GET /models`: the wire names of a product with what a form needs to know of each."""

from dataclasses import replace

import pytest

from stillmotion.domain.catalogue import Ability, Catalogue, SizeRule
from stillmotion.domain.models.states import ModelState, ModelStateName
from tests.http.conftest import models
from tests.http.surfaces.test_clear_meaning import bearer

PARALLAX = models().entries["parallax"]
WAN = replace(
    PARALLAX,
    name="wan",
    engine="diffusers",
    abilities=frozenset({Ability.FIRST, Ability.LAST}),
    sizes=SizeRule(step=16, least=262144, most=921600),
    fps=16,
    guidance=5.0,
    licence="Wan-Licence",
    memory_gb=8.5,
    weights="/weights/wan",
)
SVD = replace(WAN, name="svd", abilities=frozenset({Ability.FIRST}), sizes=SizeRule(listed=((1024, 576),)))


def listed(caller):
    answered = bearer(caller, "GET", "/models")
    assert answered.status == 200, answered.body
    return {each["name"]: each for each in answered.body["models"]}


def offering(start, entries, aliases, **parts):
    return start(catalogue=Catalogue({each.name: each for each in entries}, aliases), **parts)


def test_the_embedded_engine_does_everything_by_itself(caller):
    (default,) = [each for each in listed(caller).values() if each["default"]]
    assert default["name"] == "ray-1-6"
    assert (default["state"], default["reason"]) == ("ready", None)
    assert set(default["native"]) == {"first", "last", "any", "extend", "loop", "concepts"}
    assert default["emulated"] == []
    assert default["resolutions"] == ["540p", "720p", "1080p", "4k"]
    assert (default["min_seconds"], default["max_seconds"], default["fps"]) == (1.0, 12.0, 24)
    assert "push_in" in default["concepts"]
    assert (default["takes_seed"], default["takes_negative_prompt"]) == (True, False)


def test_what_a_model_lacks_and_has_a_substitute_for_is_told_apart(start):
    edge = offering(start, [WAN], {"ray-2": ("wan",)})
    shown = listed(edge.caller())["ray-2"]
    assert shown["native"] == ["first", "last"]
    assert shown["emulated"] == ["extend", "loop", "concepts"]
    assert shown["takes_negative_prompt"]
    assert (shown["licence"], shown["memory_bytes"]) == ("Wan-Licence", 8_500_000_000)


def test_only_sizes_that_make_a_difference_are_offered(start):
    edge = offering(start, [WAN, SVD], {"ray-2": ("wan",), "sora-2": ("svd",)})
    shown = listed(edge.caller())
    assert shown["ray-2"]["resolutions"] == ["540p", "720p"]
    assert (shown["sora-2"]["resolutions"], shown["sora-2"]["aspect_ratios"]) == (["540p"], ["16:9"])


def test_a_stand_in_of_the_route_lends_its_abilities(start):
    edge = offering(start, [WAN, PARALLAX], {"ray-2": ("wan", "parallax")})
    shown = listed(edge.caller())["ray-2"]
    assert shown["served_by"] == ["diffusers/wan", "parallax/1"]
    assert "any" in shown["native"]


@pytest.mark.parametrize("route", [("wan",), ("wan", "parallax")])
def test_a_model_in_trouble_says_why_unless_another_stands_in(start, route):
    async def states():
        return {"diffusers/wan": ModelState(ModelStateName.UNFIT, "its weights are cut short")}

    edge = offering(start, [WAN, PARALLAX], {"ray-2": route}, model_states=states)
    shown = listed(edge.caller())["ray-2"]
    expected = ("unfit", "its weights are cut short") if len(route) == 1 else ("ready", None)
    assert (shown["state"], shown["reason"]) == expected


def test_a_product_shows_what_it_includes_alone(edge):
    caller = edge.caller(models=frozenset({"sora-2"}), resolutions=frozenset({"720p"}), max_seconds=6.0)
    (shown,) = listed(caller).values()
    assert (shown["name"], shown["resolutions"], shown["max_seconds"]) == ("sora-2", ["720p"], 6.0)


def test_they_are_for_callers_alone_and_take_no_filter(edge, caller):
    assert edge.ask("GET", "/models").status == 401
    assert bearer(caller, "GET", "/models?state=ready").status == 400
    assert bearer(caller, "DELETE", "/models").status == 404
