"""The engine's plan as text for people."""

import json
import re
from pathlib import Path

import pytest

from stillmotion.cli.generate.plan_text import describe
from stillmotion.engines.parallax.language.beyond import CANNOT_REASON
from stillmotion.engines.parallax.language.parser import read

ROOT = Path(__file__).resolve().parents[2]
PLAN = {
    "moves": [["push_in", "pan_left"], ["orbit_right"]],
    "chosen_from_picture": False,
    "subject": ["lean"],
    "ambient": ["snow"],
    "ignored": [{"words": "purple\x1b[31m", "reason": "no movement is known by these words"}],
}


def test_what_was_understood_and_what_was_not():
    assert describe(json.dumps(PLAN)) == [
        "Moves: push in and pan left, then orbit right, lean, snow",
        "Not understood: “purple�[31m”",
    ]


def test_what_an_engine_cannot_do_is_told_with_the_reason():
    ignored = [
        {"words": "smiles", "reason": "people stay as they are"},
        {"words": "purple", "reason": "no movement is known by these words"},
        {"words": "waves", "reason": "people stay as they are"},
    ]
    assert describe(json.dumps({"ignored": ignored})) == [
        "Not done: “smiles”, “waves”: people stay as they are",
        "Not understood: “purple”",
    ]


def test_a_move_of_our_own_choice_is_said_to_be_one():
    chosen = {"moves": [["push_in"]], "subject": ["lean"], "chosen_from_picture": True}
    assert describe(json.dumps(chosen)) == ["Moves: push in (chosen from the picture), lean"]


@pytest.mark.parametrize(
    ("depth", "said"),
    [
        ("estimated", []),
        ("none", []),
        ("image", ["Depth: image"]),
        ("model my_midas", ["Depth: model my_midas"]),
        (3, []),
    ],
)
def test_where_the_depth_came_from_is_told_unless_it_is_the_ordinary(depth, said):
    assert describe(json.dumps({"depth": depth})) == said


def test_who_is_meant_and_who_could_do_more_is_told():
    plan = read("the woman on the left nods and smiles")
    lines = describe(plan.as_json())
    assert lines[:3] == ["Moves: nod", "Who: woman on the left", f"Not done: “smiles”: {CANNOT_REASON}"]
    assert "docs/howto/models-on-a-gpu.md" in lines[3]
    assert "docs/howto/other-servers.md" in lines[3]
    assert all((ROOT / page).is_file() for page in re.findall(r"docs/\S+\.md", lines[3]))


def test_nothing_is_sent_elsewhere_where_all_is_done():
    assert describe(read("the woman nods, a purple mood").as_json()) == ["Moves: nod", "Not understood: “purple mood”"]


@pytest.mark.parametrize("plan", ["", "no json", "[]", "{}"])
def test_an_unknown_plan_is_passed_over(plan):
    assert describe(plan) == []
