"""Motion plan as text: the understood and the unknown words of a prompt."""

import json
from typing import Any

_ORDINARY_DEPTHS = frozenset({"estimated", "none"})
UNKNOWN = "no movement is known by these words"
"""The engine's reason for unknown words."""


def describe(plan: str) -> list[str]:
    """Lines on the understood words, the others, the way to have these, and the depth; none without a plan."""
    try:
        known = json.loads(plan)
    except ValueError:
        return []
    if not isinstance(known, dict):
        return []
    understood = _understood(known)
    lines = [f"Moves: {understood}"] if understood else []
    who = known.get("who")
    if understood and isinstance(who, dict) and isinstance(who.get("words"), str):
        lines.append(f"Who: {_printable(who['words'])}")
    for reason, words in _undone(known.get("ignored", [])).items():
        said = ", ".join(f"“{_printable(each)}”" for each in words)
        lines.append(f"Not understood: {said}" if reason == UNKNOWN else f"Not done: {said}: {reason}")
    elsewhere = known.get("elsewhere")
    if isinstance(elsewhere, str) and elsewhere:
        lines.append(_printable(elsewhere[0].upper() + elsewhere[1:] + "."))
    depth = known.get("depth")
    if isinstance(depth, str) and depth not in _ORDINARY_DEPTHS:
        lines.append(f"Depth: {_printable(depth)}")
    return lines


def _undone(ignored: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Words without effect, grouped by reason, unknown words last."""
    by_reason: dict[str, list[str]] = {}
    for each in ignored:
        if each.get("words"):
            by_reason.setdefault(_printable(str(each.get("reason") or UNKNOWN)), []).append(each["words"])
    return dict(sorted(by_reason.items(), key=lambda pair: pair[0] == UNKNOWN))


def _understood(known: dict[str, Any]) -> str:
    camera = ", then ".join(" and ".join(moves) for moves in known.get("moves", []))
    if camera and known.get("chosen_from_picture"):
        camera = f"{camera} (chosen from the picture)"
    parts = [camera, *known.get("subject", []), *known.get("ambient", [])]
    return ", ".join(part.replace("_", " ") for part in parts if part)


def _printable(text: str) -> str:
    """Words of a prompt without control characters, safe for a terminal."""
    return "".join(each if each.isprintable() else "�" for each in text)
