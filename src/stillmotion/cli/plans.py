"""Telling a person what an engine made of the prompt."""

import json
from typing import Any

_ORDINARY_DEPTHS = frozenset({"estimated", "none"})


def describe(plan: str) -> list[str]:
    """A line each of what was understood and what was not, and of depth that was not estimated; none if unknown."""
    try:
        known = json.loads(plan)
    except ValueError:
        return []
    if not isinstance(known, dict):
        return []
    understood = _understood(known)
    ignored = [each["words"] for each in known.get("ignored", []) if each.get("words")]
    lines = [f"Moves: {understood}"] if understood else []
    if ignored:
        lines.append("Not understood: " + ", ".join(f"“{_printable(words)}”" for words in ignored))
    depth = known.get("depth")
    if isinstance(depth, str) and depth not in _ORDINARY_DEPTHS:
        lines.append(f"Depth: {_printable(depth)}")
    return lines


def _understood(known: dict[str, Any]) -> str:
    segments = [" and ".join(moves) for moves in known.get("moves", [])]
    parts = [", then ".join(segments), *known.get("subject", []), *known.get("ambient", [])]
    text = ", ".join(part.replace("_", " ") for part in parts if part)
    return f"{text} (chosen from the picture)" if known.get("chosen_from_picture") and text else text


def _printable(text: str) -> str:
    """Words of a prompt as they may go to a terminal: no control characters."""
    return "".join(each if each.isprintable() else "�" for each in text)
