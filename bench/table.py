"""Figures against their bars: the table that people read, the JSON that programs read, the exit code."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from statistics import fmean, median


class Sense(StrEnum):
    """The good side of a bar."""

    AT_MOST = "≤"
    AT_LEAST = "≥"


@dataclass(frozen=True, slots=True)
class Spread:
    """The rounds behind a figure: their median (or mean, where a figure's name says so), smallest, largest, number."""

    median: float
    least: float
    most: float
    rounds: int


def spread(rounds: Sequence[float]) -> Spread:
    """The summary of the rounds."""
    return Spread(median(rounds), min(rounds), max(rounds), len(rounds))


def averaged(rounds: Sequence[float]) -> Spread:
    """The summary of the rounds with their mean in the median's place; the figure's name says so."""
    return Spread(fmean(rounds), min(rounds), max(rounds), len(rounds))


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number and its bar, both in `unit`. `note` is for the reader of the table."""

    name: str
    measured: Spread
    sense: Sense
    bar: float
    unit: str = ""
    note: str = ""

    @property
    def kept(self) -> bool:
        """True where the median keeps to the bar."""
        return self.measured.median <= self.bar if self.sense is Sense.AT_MOST else self.measured.median >= self.bar

    @property
    def verdict(self) -> str:
        """A word for the table."""
        return "ok" if self.kept else "MISSED"

    def row(self) -> tuple[str, ...]:
        """The cells of its line in the table."""
        measured = self.measured
        between = f"{_number(measured.least)} … {_number(measured.most)} ({measured.rounds})"
        shown = f"{_number(measured.median)} {self.unit}".strip()
        bar = f"{self.sense} {self.bar:g} {self.unit}".strip()
        return self.name, shown, between, bar, self.verdict


HEADINGS = ("figure", "median", "least … most (rounds)", "bar", "")


def as_text(figures: Sequence[Figure]) -> str:
    """The table, in Markdown, with the notes below it."""
    rows = [HEADINGS, *(figure.row() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = [_line(row, widths) for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    notes = [f"* {figure.name}: {figure.note}" for figure in figures if figure.note]
    return "\n".join([*lines, *([""] if notes else []), *notes])


def write_json(figures: Sequence[Figure], file: Path, about: dict[str, str]) -> None:
    """Everything in the table, with unrounded numbers and the facts of the run."""
    rows = [asdict(figure) | {"sense": figure.sense.value, "kept": figure.kept} for figure in figures]
    file.write_text(json.dumps({**about, "figures": rows}, indent=2, ensure_ascii=False) + "\n", "utf-8")


def exit_code(figures: Sequence[Figure]) -> int:
    """1 where a bar is missed."""
    return 0 if all(figure.kept for figure in figures) else 1


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
