"""Pages and the regions in them that are generated.

A region stands between `<!-- generated: NAME -->` and `<!-- end: NAME -->`; what is around it is written by people.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from tools.docs import architecture, commands, errors, metrics, models, motion, rules, settings, wire
from tools.docs.lifecycle import lifecycle

ROOT = Path(__file__).resolve().parents[2]

SECTIONS: Mapping[str, Callable[[], str]] = {
    "settings": settings.settings,
    "commands": commands.commands,
    "chores": commands.chores,
    "operations": wire.operations,
    "paths": wire.paths,
    "answer-headers": wire.headers,
    "error-tree": errors.error_tree,
    "error-answers": errors.error_answers,
    "reasons": errors.reasons,
    "failure-codes": errors.failure_codes,
    "metrics": metrics.metrics,
    "lifecycle": lifecycle,
    "rooms": architecture.rooms,
    "imports": architecture.imports,
    "layers": architecture.layers,
    "contracts": architecture.contracts,
    "ports": architecture.ports,
    "limits": rules.limits,
    "defaults": models.defaults,
    "models": models.models,
    "camera-words": motion.camera_words,
    "other-words": motion.other_words,
}

_REGION = re.compile(r"(?P<start><!-- generated: (?P<name>[\w-]+) -->\n).*?(?P<end><!-- end: (?P=name) -->)", re.DOTALL)
_MARK = re.compile(r"<!-- (?:generated|end): ")


class PageBroken(Exception):
    """A page's marks do not fit together: the message names the page."""


def pages() -> list[Path]:
    """Every page of the documentation."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def regions(path: Path) -> list[str]:
    """The names of a page's generated regions."""
    return [found["name"] for found in _REGION.finditer(path.read_text("utf-8"))]


def filled(path: Path) -> str:
    """The page's text with its regions as the code says. Raises `PageBroken`."""
    text = path.read_text("utf-8")
    if len(_MARK.findall(text)) != 2 * len(regions(path)):
        raise PageBroken(f"{_shown(path)}: a generated region is not closed, or closed by another name")
    return _REGION.sub(lambda found: found["start"] + _section(path, found["name"]) + found["end"], text)


def outdated() -> dict[Path, str]:
    """The pages that differ from the code, and what they should hold."""
    texts = {path: filled(path) for path in pages()}
    return {path: text for path, text in texts.items() if text != path.read_text("utf-8")}


def _section(path: Path, name: str) -> str:
    if name not in SECTIONS:
        raise PageBroken(f"{_shown(path)}: nothing generates {name}; there are {', '.join(SECTIONS)}")
    return SECTIONS[name]().strip() + "\n"


def _shown(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
