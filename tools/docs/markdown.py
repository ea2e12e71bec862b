"""The few forms of Markdown that the generated parts are made of."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a bar in a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines) + "\n"


def code(text: str, language: str = "text") -> str:
    """A fenced block."""
    return f"```{language}\n{text.rstrip()}\n```\n"


def literal(text: str) -> str:
    """Code inside a line; nothing where there is nothing to show."""
    return f"`{text}`" if text else ""


def paragraph(docstring: str | None) -> str:
    """The first paragraph of a docstring on one line, its names as code."""
    first = (docstring or "").strip().partition("\n\n")[0]
    return " ".join(first.split())


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")
