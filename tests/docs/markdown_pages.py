"""The documentation for its tests: pages, links, fenced blocks."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    *(ROOT / f"{each}.md" for each in ("CHANGELOG", "CODE_OF_CONDUCT", "CONTRIBUTING", "SECURITY")),
    ROOT / "examples" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]

_BLOCK = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (?P<text>.+)$", re.MULTILINE)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def blocks(path: Path, language: str) -> Iterator[str]:
    """The fenced blocks of one language, without their indentation."""
    for found in _BLOCK.finditer(path.read_text("utf-8")):
        if found["language"] == language:
            yield re.sub(rf"^{found['indent']}", "", found["text"], flags=re.MULTILINE)


def prose(path: Path) -> str:
    """The page without its fenced blocks."""
    return _BLOCK.sub("", path.read_text("utf-8"))


def links(path: Path) -> list[str]:
    return [found["target"] for found in _LINK.finditer(prose(path))]


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    kept = (re.sub(r"[^\w\- ]", "", found["text"].lower()) for found in _HEADING.finditer(prose(path)))
    return {text.strip().replace(" ", "-") for text in kept}
