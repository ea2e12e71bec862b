"""Pytest plugin that writes engine × ability × surface into docs/engines.md: `-p tests.matrix.page`.

The tables of outcomes come from requests to a live edge. The table of clips comes from the tests that make them: a test
has the mark `@pytest.mark.makes(engine, surface, ability, …)`, or calls `record_property("made", (engine, surface,
ability))` afterwards.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.matrix.asking import ABILITIES, NAMED, SURFACES, Outcome
from tools.docs.markdown import literal, table

PAGE = Path(__file__).resolve().parents[2] / "docs" / "engines.md"
BEGINS, ENDS = "<!-- tested: matrix -->", "<!-- end of what was tested -->"

MADE = (
    "Rendered, or fetched from a server on loopback, and decoded to the last frame. *any*: asked of the worker;\n"
    "*the engine*: of the engine alone. Models of diffusers are real pipelines with few random weights."
)
BEYOND = ("A picture in the middle",)
"""Abilities that no surface has a field for."""

Cell = tuple[str, str, str]
"""Engine or model, surface, ability."""


def asked_tables(outcomes: Mapping[Cell, Outcome]) -> str:
    """A table for each surface, with a row for models of equal outcomes, and the sentences below."""
    notes: dict[str, int] = {}
    parts = []
    for surface in SURFACES:
        alike: dict[tuple[str, ...], list[str]] = {}
        for name in dict.fromkeys(name for name, _, _ in outcomes):
            cells = tuple(_shown(outcomes[name, surface, ability], notes) for ability in ABILITIES)
            alike.setdefault(cells, []).append(NAMED.get(name, literal(name)))
        rows = [(", ".join(names), *cells) for cells, names in alike.items()]
        parts.append(f"### {surface}\n\n" + table(("Model", *ABILITIES), rows))
    listed = "".join(f"{number}. {sentence}\n" for sentence, number in notes.items())
    return "\n".join(parts) + "\n" + listed


def _shown(outcome: Outcome, notes: dict[str, int]) -> str:
    if not outcome.sentence:
        return outcome.word
    return f"{outcome.word} ({notes.setdefault(outcome.sentence, len(notes) + 1)})"


def made_table(made: Mapping[Cell, list[bool]]) -> str:
    """Table of the engines: their tried abilities, the number of tests, and the number of those that passed."""
    grouped: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for engine, surface, ability in made:
        grouped[engine, surface].append(ability)
    rows = []
    for (engine, surface), abilities in sorted(grouped.items()):
        of_these = [passed for ability in abilities for passed in made[engine, surface, ability]]
        in_order = ", ".join(sorted(abilities, key=(*ABILITIES, *BEYOND).index))
        rows.append((engine, surface, in_order, str(len(of_these)), str(sum(of_these))))
    return table(("Engine", "Asked over", "Abilities", "Tests", "Passed"), rows)


class Matrix:
    """Collector of outcomes and made clips, which writes the page at the end."""

    def __init__(self, page: Path) -> None:
        self._page = page
        self._made: defaultdict[Cell, list[bool]] = defaultdict(list)
        self._asked: dict[Cell, Outcome] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = yield
        if report.when == "call" and not report.skipped:
            for mark in item.iter_markers("makes"):
                engine, surface, *abilities = mark.args
                for ability in abilities:
                    self._made[engine, surface, ability].append(report.passed)
            for name, value in item.user_properties:
                if name == "made":
                    self._made[tuple(value)].append(report.passed)
                if name == "asked":
                    self._asked |= value
        return report

    def pytest_sessionfinish(self):
        if not self._asked or not self._made:
            return
        made = f"### Clips that tests made\n\n{MADE}\n\n{made_table(self._made)}"
        text = self._page.read_text("utf-8")
        filled = f"{BEGINS}\n{asked_tables(self._asked)}\n{made}{ENDS}"
        self._page.write_text(re.sub(f"{BEGINS}.*?{ENDS}", lambda _: filled, text, flags=re.DOTALL), "utf-8")


def pytest_addoption(parser):
    parser.addoption("--matrix", type=Path, required=True, metavar="FILE", help="the page that it is written into")


def pytest_configure(config):
    config.pluginmanager.register(Matrix(config.getoption("matrix")))
