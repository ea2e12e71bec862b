"""Meanings of a few hundred prompts (phrases.txt), and whole plans as their owners see them (plans/*.json)."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from stillmotion.engines.parallax.language.parser import read
from stillmotion.engines.parallax.language.places import ANOTHER_REASON

TABLE = Path(__file__).with_name("phrases.txt")
PLANS = Path(__file__).with_name("plans")


@dataclass(frozen=True)
class Meaning:
    """The reading of a prompt."""

    camera: str
    subject: str
    ambient: str
    modifiers: str
    loop: bool


def phrases() -> list[tuple[Meaning, str]]:
    """The rows of the table."""
    rows: list[tuple[Meaning, str]] = []
    expected = None
    for line in TABLE.read_text("utf-8").splitlines():
        if line.startswith(">"):
            expected = _expected(line[1:].split())
        elif line.strip() and expected is not None:
            rows.append((expected, line))
    return rows


def _expected(words: list[str]) -> Meaning:
    parts: dict[str, list[str]] = {"camera": [], "subject": [], "ambient": [], "modifiers": []}
    into = "camera"
    for word in words:
        if word.endswith(":"):
            into = word[:-1]
        elif word not in {"loop", "negated"}:
            parts[into].append(word.rstrip(","))
    lists = (",".join(parts[name]) for name in ("subject", "ambient", "modifiers"))
    return Meaning(" ".join(parts["camera"]), *lists, "loop" in words)


def meaning(prompt: str) -> Meaning:
    """The engine's reading of a prompt."""
    plan = read(prompt)
    camera = " / ".join(" + ".join(segment.moves) for segment in plan.segments)
    return Meaning(camera, ",".join(plan.subject), ",".join(plan.ambient), ",".join(plan.modifiers), plan.loop)


@pytest.mark.parametrize(("expected", "prompt"), phrases())
def test_a_prompt_means_what_the_table_says(expected, prompt):
    assert meaning(prompt) == expected


def test_the_table_is_a_few_hundred_prompts():
    prompts = [prompt for _, prompt in phrases()]
    assert len(prompts) == len(set(prompts))
    assert len(prompts) >= 400


@pytest.mark.parametrize("golden", sorted(PLANS.glob("*.json")), ids=lambda path: path.stem)
def test_a_whole_plan_is_what_was_kept(golden):
    kept = json.loads(golden.read_text("utf-8"))
    plan = read(kept["prompt"], kept.get("concepts", ()), loop=kept.get("loop", False))
    assert json.loads(plan.as_json()) == kept["plan"]


@pytest.mark.parametrize("prompt", ["leaning girl", "the old man nods", "two cats in the snow, push in"])
def test_who_the_prompt_is_about_is_not_noise(prompt):
    plan = read(prompt)
    assert plan.about
    assert not any(word in item.words.split() for word in plan.about for item in plan.ignored)


@pytest.mark.parametrize(
    ("prompt", "place", "words"),
    [
        ("the woman on the left leans", "left", "woman on the left"),
        ("the woman who is on the right side leans left", "right", "woman who is on the right side"),
        ("left girl nods", "left", "left girl"),
        ("on the left, a boy sways", None, None),
        ("a girl sitting in the middle nods", "middle", "girl sitting in the middle"),
        ("the girl in front leans to the right", "front", "girl in front"),
        ("the nearest man nods", "front", "nearest man"),
        ("the man in the background walks", "back", "man in the background"),
        ("the one on the right breathes", "right", "one on the right"),
        ("a man standing in front of a house leans", None, None),
        ("she leans to the left", None, None),
        ("pan left, girl leaning", None, None),
        ("the man nods", None, None),
        ("not the girl on the left", None, None),
    ],
)
def test_a_place_tells_which_person_is_meant(prompt, place, words):
    who = read(prompt).who
    assert (who and who.place, who and who.words) == (place, words)


def test_of_two_people_the_first_is_meant_and_the_other_is_named():
    plan = read("the girl on the left nods, the man on the right turns")
    assert plan.who is not None
    assert plan.who.place == "left"
    assert [(each.words, each.reason) for each in plan.ignored] == [("man on the right", ANOTHER_REASON)]
    assert json.loads(plan.as_json())["who"] == {"place": "left", "words": "girl on the left"}
